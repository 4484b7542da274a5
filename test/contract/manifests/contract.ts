import { inRoot } from "../support-dockerfile.ts";
import { type Manifest, readYaml } from "./rendered.ts";

export interface Operation {
  readonly method: string;
  /** With a word for each of its parameters. */
  readonly path: string;
  /** Whether an answer of its path may stream: gateways tell paths apart. */
  readonly streams: boolean;
}

const METHODS = ["get", "put", "post", "delete", "patch"];

let parsed: Manifest;
let operations: readonly Operation[] | undefined;

const contractDocument = (): Manifest => (parsed ??= readYaml(inRoot("openapi.yaml")));

/** Whether there are metrics at a path. */
export function hasMetrics(path: string): boolean {
  const types = contractDocument().paths[path]?.get?.responses["200"]?.content ?? {};
  return Object.keys(types as object).some((type) => type.startsWith("text/plain; version="));
}

/** Each operation of openapi.yaml, and each path's OPTIONS, by which browsers ask for leave. */
export function contract(): readonly Operation[] {
  if (operations) return operations;
  const document = contractDocument();
  const shared = document.components.responses ?? {};
  const streams = (response: Manifest): boolean => {
    const { content = {} } = response.$ref ? shared[response.$ref.split("/").at(-1)] : response;
    return Object.keys(content as object).some((type) =>
      /^(text\/event-stream|application\/x-ndjson)/.test(type),
    );
  };
  operations = Object.entries(document.paths as Record<string, Manifest>).flatMap(
    ([template, item]) => {
      const path = template.replaceAll(/[{}]/g, "");
      const methods = METHODS.filter((method) => item[method] !== undefined);
      const responses = methods.flatMap((method) =>
        Object.values((item[method].responses ?? {}) as Record<string, Manifest>),
      );
      const mayStream = path.startsWith("/ws/") || responses.some(streams);
      return ["options", ...methods].map((method) => ({
        method: method.toUpperCase(),
        path,
        streams: mayStream,
      }));
    },
  );
  return operations;
}
