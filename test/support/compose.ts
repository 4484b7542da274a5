import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { inRoot } from "../contract/support-dockerfile.ts";

export interface ComposeService {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly restart?: string;
  readonly stop_grace_period?: string;
  readonly [key: string]: unknown;
}

export interface Compose {
  readonly name: string;
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

export const COMPOSE_TEXT = readFileSync(inRoot("docker/compose.yaml"), "utf8");

/** As compose reads it: with anchors merged. */
export const readCompose = (text = COMPOSE_TEXT): Compose =>
  parse(text, { merge: true }) as Compose;

/** The words of a health check, where compose reads `$$` as `$`. */
export const healthCommand = ({ healthcheck }: ComposeService): string[] =>
  healthcheck!.test.slice(1).map((word) => word.replaceAll("$$", "$"));

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export function mountsOf({ volumes = [] }: ComposeService): Mount[] {
  return volumes.map((volume) => {
    const [source, target, mode] = volume.split(":");
    return { source: source!, target: target!, readOnly: mode === "ro" };
  });
}
