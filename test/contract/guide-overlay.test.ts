import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { commandsOf, readDocument } from "../support/documents.ts";
import { verifies } from "../support/verifies.ts";
import { build, type Manifest } from "./manifests/rendered.ts";
import { inRoot } from "./support-dockerfile.ts";

const guide = readDocument("docs/deploy.md");
const [, copied, mine] = /^cp -r (k8s\/overlays\/\w+) (k8s\/overlays\/\w+)$/m.exec(guide)!;

const directory = mkdtempSync(join(tmpdir(), "guide-overlay-"));
afterAll(() => rmSync(directory, { recursive: true }));
for (const part of ["k8s", "observability"])
  cpSync(fileURLToPath(inRoot(part)), join(directory, part), { recursive: true });
const example = readFileSync(join(directory, copied!, "kustomization.yaml"), "utf8");
let builds = 0;

/** The overlay of the guide's reader, built in a copy of ours, each time in a directory that nothing was built in before. */
function built(text: string): string {
  const path = join(directory, `${mine}-${++builds}`);
  cpSync(join(directory, copied!), path, { recursive: true });
  writeFileSync(join(path, "kustomization.yaml"), text);
  // As a URL it is not looked for in the repository.
  const { status, stdout, stderr } = build(pathToFileURL(path).href);
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** The guide's own check: what in it is still of our examples. */
const [, forgotten] = /^kubectl kustomize k8s\/overlays\/mine \| grep -E '([^']+)'$/m.exec(guide)!;
const left = (stdout: string): string[] => stdout.match(new RegExp(forgotten!, "g")) ?? [];

/** All that the guide tells to change. */
const MINE: readonly (readonly [string, RegExp, string])[] = [
  ["the image", /(?<=newName: )\S+/, "europe-west1-docker.pkg.dev/nova-42/novastream/novastream"],
  ["the digest", /(?<=digest: )\S+/, `sha256:${"7".repeat(64)}`],
  ["the host", /(?<=- name=)\S+/, "live.nova.test"],
  ["the origins", /(?<=CORS_ORIGINS=)\S+/, "https://www.nova.test"],
  ["the origins of Kong", /(?<=value: )\["https.*\]/, '["https://www.nova.test"]'],
  ["the Redis", /(?<=REDIS_URL=)\S+/, "rediss+cluster://10.140.0.9:6379"],
  ["the range of Redis", /(?<=value: )[\d./]+/, "10.140.0.0/20"],
];
const filledIn = (...but: string[]): string =>
  MINE.filter(([what]) => !but.includes(what)).reduce(
    (text, [, pattern, value]) => text.replace(pattern, value),
    example,
  );

describe("the overlay that the guide's reader makes", () => {
  it.each(["kong-gke", "traefik-gke", "kong-gke-jwt"])(
    "builds on %s, with nothing of our examples left, and lets publishers in",
    verifies("documented-commands"),
    (base) => {
      expect(guide).toContain(`\`../${base}\``);
      const stdout = built(filledIn().replace("../kong-gke", `../${base}`));
      expect(left(stdout)).toEqual([]);
      expect(stdout).toContain("live.nova.test");
      const publishers = parseAllDocuments(stdout)
        .map((each): Manifest => each.toJS())
        .find(({ metadata }) => metadata.name === "novastream-from-publishers");
      const [from] = publishers.spec.ingress[0].from;
      const [[key, value]] = Object.entries(from.namespaceSelector.matchLabels) as [
        [string, string],
      ];
      expect(guide).toContain(`kubectl label namespace NAME ${key}=${value}`);
    },
  );

  it.each(MINE)(
    "shows by the guide's own check that %s was forgotten",
    verifies("documented-commands"),
    (what) => {
      expect(filledIn(what)).not.toBe(filledIn());
      expect(left(built(filledIn(what)))).not.toEqual([]);
    },
  );

  it(
    "wants no ConfigMap and no certificate that the guide does not make",
    verifies("documented-commands"),
    () => {
      const commands = commandsOf(guide).join("\n");
      const stdout = built(filledIn());
      for (const name of ["novastream-redis-ca", "novastream-tls"]) {
        expect(stdout).toContain(name);
        expect(commands).toMatch(
          new RegExp(String.raw`kubectl -n novastream create \S+ (?:tls )?${name} `),
        );
      }
    },
  );
});
