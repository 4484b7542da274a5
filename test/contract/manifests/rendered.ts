import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";
import { inRoot } from "../support-dockerfile.ts";

/** Of many shapes: what is read from one is what is asserted of it. */
export type Manifest = any;

export interface Overlay {
  readonly name: string;
  readonly manifests: readonly Manifest[];
}

export const readYaml = (url: URL): Manifest => parse(readFileSync(url, "utf8"));

/** Those that are shipped. Whoever deploys has others beside them, with images and hosts of their own. */
export const OVERLAYS = [
  "apisix",
  "example",
  "gke-gateway",
  "gke-gateway-preview",
  "gke-ingress",
  "ingress-nginx-legacy",
  "kong-gateway-api",
  "kong-gke",
  "kong-gke-jwt",
  "local",
  "traefik-gke",
];

interface Build {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const builds = new Map<string, Build>();

/** What `kubectl kustomize` says of a directory of the repository. */
export function build(path: string): Build {
  const known = builds.get(path);
  if (known) return known;
  const built = spawnSync("kubectl", ["kustomize", fileURLToPath(inRoot(path))], {
    encoding: "utf8",
  });
  if (built.error) {
    throw new Error(
      "these tests need kubectl 1.27 or newer, which builds the overlays: test/setup.sh installs it",
      { cause: built.error },
    );
  }
  builds.set(path, built);
  return built;
}

const overlays = new Map<string, Overlay>();

/** An overlay as it would be applied. */
export function rendered(name: string): Overlay {
  const known = overlays.get(name);
  if (known) return known;
  const { status, stdout, stderr } = build(`k8s/overlays/${name}`);
  if (status !== 0) throw new Error(`kubectl kustomize k8s/overlays/${name}: ${stderr}`);
  const manifests = parseAllDocuments(stdout).map((document) => document.toJS());
  const overlay = { name, manifests };
  overlays.set(name, overlay);
  return overlay;
}

export const allOf = ({ manifests }: Overlay, ...kinds: string[]): Manifest[] =>
  manifests.filter(({ kind }) => kinds.includes(kind as string));

/** How messages name an object. */
export const named = ({ kind, metadata }: Manifest): string => `${kind}/${metadata.name}`;

/** The service's own, of which each overlay has one. @throws where it does not */
export function deploymentOf(overlay: Overlay): Manifest {
  const [deployment, ...others] = allOf(overlay, "Deployment");
  if (!deployment || others.length > 0)
    throw new Error(`${overlay.name} must have exactly one Deployment`);
  return deployment;
}

/** Everything that runs pods, with its template. */
export const workloads = (overlay: Overlay): Manifest[] =>
  allOf(overlay, "Deployment", "StatefulSet");
