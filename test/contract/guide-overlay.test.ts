import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { blocksOf, commandsOf, readDocument } from "../support/documents.ts";
import { verifies } from "../support/verifies.ts";
import { build, type Manifest } from "./manifests/rendered.ts";
import { inRoot } from "./support-dockerfile.ts";
import { parseAllDocuments } from "yaml";

const guide = readDocument("docs/deploy.md");
const [kustomization] = blocksOf(guide, "yaml");

const directory = mkdtempSync(join(tmpdir(), "guide-overlay-"));
afterAll(() => rmSync(directory, { recursive: true }));
for (const part of ["k8s", "observability"])
  cpSync(fileURLToPath(inRoot(part)), join(directory, part), { recursive: true });

/** The overlay of the guide's reader, built in a copy of ours. */
function built(text: string): { status: number | null; stdout: string; stderr: string } {
  const mine = join(directory, "k8s/overlays/mine");
  mkdirSync(mine, { recursive: true });
  writeFileSync(join(mine, "kustomization.yaml"), text);
  // As a URL it is not looked for in the repository.
  return build(pathToFileURL(mine).href);
}

/** What in it is still of our examples: the guide's own check. */
const [, forgotten] = /\| grep -E '([^']+)'/.exec(guide) ?? [];
const left = (text: string): string[] =>
  built(text).stdout.match(new RegExp(forgotten!, "g")) ?? [];

describe("the overlay that the guide tells to write", () => {
  it("builds, and leaves nothing of our examples in it", verifies("documented-commands"), () => {
    const { status, stderr } = built(kustomization!);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(left(kustomization!)).toEqual([]);
  });

  it(
    "is what runs: its image by digest, its Redis, its host",
    verifies("documented-commands"),
    () => {
      const manifests: Manifest[] = parseAllDocuments(built(kustomization!).stdout).map((each) =>
        each.toJS(),
      );
      const find = (wanted: string) => manifests.filter(({ kind }) => kind === wanted);
      const [deployment] = find("Deployment");
      expect(deployment.spec.template.spec.containers[0].image).toMatch(/@sha256:\w{64}$/);
      const { data } = find("ConfigMap").find(({ metadata }) =>
        /^novastream-\w{10}$/.test(metadata.name),
      );
      const { hostname } = new URL(data.REDIS_URL.replace("rediss+cluster", "https"));
      const policy = find("NetworkPolicy").find(
        ({ metadata }) => metadata.name === "novastream-to-memorystore",
      );
      const { cidr } = policy.spec.egress[0].to[0].ipBlock;
      expect(hostname.split(".").slice(0, 2)).toEqual(cidr.split(".").slice(0, 2));
      const hosts = find("Ingress").flatMap(({ spec }) => [
        spec.rules[0].host,
        spec.tls[0].hosts[0],
      ]);
      expect(new Set(hosts)).toEqual(new Set([/HOST=https:\/\/(\S+)/.exec(guide)![1]]));
      const cors = find("KongPlugin").find(({ plugin }) => plugin === "cors");
      expect(cors.config.origins).toEqual([data.CORS_ORIGINS]);
    },
  );

  it.each([
    ["the image", /images:\n(?: .*\n)+/],
    ["the Redis", / {6}- REDIS_URL.*\n/],
    ["the origins", / {6}- CORS_ORIGINS.*\n/],
    ["the host of the certificate", /.*path: \/spec\/tls.*\n/],
    ["the origins of Kong", / {2}- target: \{ kind: KongPlugin.*\n.*\n.*\n/],
    ["the range of Redis", / {2}- target: \{ kind: NetworkPolicy.*\n.*\n.*\n/],
  ])(
    "shows by the guide's own check that one forgot %s",
    verifies("documented-commands"),
    (_, line) => {
      const without = kustomization!.replace(line, "");
      expect(without).not.toBe(kustomization);
      expect(left(without)).not.toEqual([]);
    },
  );

  it("makes what the overlay wants and does not have", verifies("documented-commands"), () => {
    const commands = commandsOf(guide).join("\n");
    for (const name of ["novastream-redis-ca", "novastream-tls"]) {
      expect(built(kustomization!).stdout).toContain(name);
      expect(commands).toMatch(
        new RegExp(String.raw`kubectl -n novastream create \S+ (?:tls )?${name} `),
      );
    }
  });
});
