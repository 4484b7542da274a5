import { readFileSync } from "node:fs";
import { parse } from "yaml";

export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };
export type Members = { [member: string]: Json };

export interface Operation {
  readonly id: string;
  readonly method: string;
  /** As the document writes it, `/api/v1/wukongs/{name}`. */
  readonly path: string;
  readonly parameters: readonly Members[];
  readonly responses: Readonly<Record<string, DocumentedResponse>>;
}

export interface DocumentedResponse {
  readonly headers: Readonly<Record<string, Members>>;
  /** By media type as the document writes it. */
  readonly content: Readonly<Record<string, Members>>;
}

const METHODS = new Set(["get", "put", "post", "delete", "patch"]);

/** The contract as it is served. */
export const DOCUMENT = parse(
  readFileSync(new URL("../../openapi.yaml", import.meta.url), "utf8"),
) as Members;

/** What stands at `#/a/b`. */
export function at(pointer: string): Json {
  let found: Json = DOCUMENT;
  for (const part of pointer.slice(2).split("/")) {
    const next: Json | undefined = (found as Members)[
      part.replaceAll("~1", "/").replaceAll("~0", "~")
    ];
    if (next === undefined) throw new Error(`there is no ${pointer} in the document`);
    found = next;
  }
  return found;
}

/** Follows a reference, if it is one. */
export function resolve(value: Json | undefined): Members {
  const members = (value ?? {}) as Members;
  const { $ref } = members;
  return typeof $ref === "string" ? resolve(at($ref)) : members;
}

function resolved(members: Json | undefined): Record<string, Members> {
  return Object.fromEntries(
    Object.entries((members ?? {}) as Members).map(([name, value]) => [name, resolve(value)]),
  );
}

function responseOf(value: Json): DocumentedResponse {
  const { headers, content } = resolve(value);
  return { headers: resolved(headers), content: resolved(content) };
}

export const OPERATIONS: readonly Operation[] = Object.entries(
  DOCUMENT["paths"] as Members,
).flatMap(([path, item]) =>
  Object.entries(item as Members)
    .filter(([method]) => METHODS.has(method))
    .map(([method, operation]) => {
      const { operationId, parameters, responses } = operation as Members;
      return {
        id: operationId as string,
        method: method.toUpperCase(),
        path,
        parameters: ((parameters ?? []) as Json[]).map(resolve),
        responses: Object.fromEntries(
          Object.entries(responses as Members).map(([status, response]) => [
            status,
            responseOf(response),
          ]),
        ),
      };
    }),
);

export function operation(id: string): Operation {
  const found = OPERATIONS.find((candidate) => candidate.id === id);
  if (!found) throw new Error(`there is no operation ${id} in the document`);
  return found;
}

/** The messages of the console, by type. */
export function consoleMessages(from: "fromClient" | "fromService"): Record<string, Members> {
  return resolved(at(`#/x-websocket/~1ws~1wukong~1{name}/${from}`));
}
