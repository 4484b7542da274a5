import { allOf, deploymentOf, type Manifest, type Overlay } from "./rendered.ts";
import type { RuleName } from "./rules.ts";

/** An error of a kind: what is wrong, the rule that says so, in which overlay, how it comes about, and what is said of it. */
export type Planted = readonly [string, RuleName, string, Break, RegExp];

/** What makes an overlay wrong. */
export type Break = (overlay: Overlay) => unknown;

export const find = (overlay: Overlay, kind: string, name: string): Manifest => {
  const found = allOf(overlay, kind).find(({ metadata }) => metadata.name === name);
  if (!found) throw new Error(`there is no ${kind}/${name} to break`);
  return found;
};
export const data = (overlay: Overlay): Record<string, string> =>
  allOf(overlay, "ConfigMap").find(({ data: { REDIS_URL } }) => REDIS_URL !== undefined)!.data;
export const pod = (overlay: Overlay): Manifest => deploymentOf(overlay).spec.template.spec;
export const container = (overlay: Overlay): Manifest => pod(overlay).containers[0];
export const streaming = (overlay: Overlay): Manifest =>
  find(overlay, "Service", "novastream-streaming");
export const ingress = (overlay: Overlay): Manifest =>
  find(overlay, "Ingress", "novastream-streaming");
export const add = (overlay: Overlay, manifest: Manifest): unknown =>
  (overlay.manifests as Manifest[]).push(manifest);
export const remove = (overlay: Overlay, kind: string, name: string): unknown =>
  (overlay.manifests as Manifest[]).splice(overlay.manifests.indexOf(find(overlay, kind, name)), 1);
/** A variable of the container, which is there. */
export const variable = (overlay: Overlay, name: string): Manifest => {
  const found = container(overlay).env.find((one: Manifest) => one.name === name);
  if (!found) throw new Error(`there is no variable ${name} to break`);
  return found;
};
