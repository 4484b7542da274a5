import { describe, expect, it } from "vitest";
import { type AppServices, createApp, EXPOSED_HEADERS } from "../../src/app.ts";
import { CLOSE_REASONS } from "../../src/connections/close-reason.ts";
import { ERROR_CODES } from "../../src/errors.ts";
import { CONTROL_TYPES } from "../../src/wire/grammar.ts";
import {
  ingestQuerySchema,
  logQuerySchema,
  streamQuerySchema,
} from "../../src/wire/stream-query.ts";
import { at, type Json, type Members, operation, OPERATIONS, resolve } from "./support-document.ts";
import { itemsOf } from "./support-exercise.ts";
import { faultOf } from "./support-schemas.ts";

describe("the document and the router", () => {
  it("know the same routes", () => {
    // Routes are registered before anything is asked of the services.
    const app = createApp({ corsOrigins: [] as readonly string[] } as AppServices);
    const routed = app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    const documented = OPERATIONS.map(({ method, path }) => `${method} ${path}`);
    expect(documented.sort()).toEqual(routed.sort());
  });

  it("name each parameter of a path", () => {
    for (const { id, path, parameters } of OPERATIONS) {
      const named = parameters
        .filter((parameter) => parameter["in"] === "path")
        .map(({ name }) => name);
      expect(named, id).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    }
  });
});

describe("the document and the parameters that streams take", () => {
  const queryOf = (id: string) =>
    operation(id)
      .parameters.filter((parameter) => parameter["in"] === "query")
      .map((parameter) => [parameter["name"] as string, resolve(parameter["schema"])] as const);

  it.each([
    ["ingestLogs", ingestQuerySchema, []],
    ["streamStatus", streamQuerySchema, []],
    ["streamLogs", logQuerySchema, []],
    ["streamNotifications", streamQuerySchema, ["channel"]],
    ["streamEvents", streamQuerySchema, ["topic"]],
  ])("agree on %s", (id, schema, beside) => {
    const names = queryOf(id).map(([name]) => name);
    expect(names.sort()).toEqual([...Object.keys(schema.shape), ...beside].sort());
  });

  it.each([
    ["streamLogs", logQuerySchema],
    ["streamStatus", streamQuerySchema],
  ])("agree on the words that %s takes", (id, schema) => {
    for (const [name, documented] of queryOf(id)) {
      const field = (
        schema.shape as Record<string, { safeParse(value: unknown): { success: boolean } }>
      )[name];
      for (const word of (documented["enum"] ?? []) as string[]) {
        expect(field?.safeParse(word).success, `${name}=${word}`).toBe(true);
      }
    }
    const words = (name: string) =>
      resolve(queryOf(id).find(([known]) => known === name)?.[1])["enum"];
    expect(words("from")).toEqual(streamQuerySchema.shape.from.unwrap().options);
    // Text is for logs alone, which the router finds out after the schema.
    expect(words("format")).toEqual(
      streamQuerySchema.shape.format
        .unwrap()
        .options.filter((format) => id === "streamLogs" || format !== "text"),
    );
  });
});

describe("the document names every", () => {
  it("error code, with its status and whether to try again", () => {
    const codes = at("#/components/schemas/ProblemCode") as Members;
    expect(codes["x-problems"]).toEqual(ERROR_CODES);
    expect(codes["enum"]).toEqual(Object.keys(ERROR_CODES));
  });

  it("header that other origins may read", () => {
    const rules = at("#/info/description") as string;
    const [sentence] = /Origins in `CORS_ORIGINS`[\s\S]*?exposed/.exec(rules)!;
    const named = [...sentence.matchAll(/`([\w-]+)`/g)].map(([, name]) => name);
    expect(new Set(named)).toEqual(new Set(["CORS_ORIGINS", ...EXPOSED_HEADERS]));
  });

  it("reason to close, with its WebSocket code", () => {
    // A client that left by itself is told nothing.
    const told = Object.entries(CLOSE_REASONS).filter(([reason]) => reason !== "gone");
    const expected = told.map(([reason, entry]) => [
      reason,
      { code: entry.webSocketCode, reconnect: entry.reconnect },
    ]);
    expect(at("#/x-websocket/~1ws~1wukong~1{name}/closeReasons")).toEqual(
      Object.fromEntries(expected),
    );
    expect((at("#/components/schemas/CloseReason") as Members)["enum"]).toEqual(
      told.map(([reason]) => reason),
    );
  });

  it("event of the streams' own, in each format, and keeps publishers off them", () => {
    const words = (schema: string, member: string) =>
      ((at(`#/components/schemas/${schema}`) as Members)["oneOf"] as Members[]).flatMap(
        (branch) => {
          const { const: one, enum: many } = (branch["properties"] as Members)[member] as Members;
          return (many ?? [one]) as Json[];
        },
      );
    expect(new Set(words("SseControl", "event"))).toEqual(new Set(CONTROL_TYPES));
    expect(new Set(words("NdjsonControl", "type"))).toEqual(new Set(CONTROL_TYPES));
    expect(at("#/components/schemas/EventType/not/enum")).toEqual(CONTROL_TYPES);
  });

  it("code of a problem among those of its status", () => {
    for (const { id, responses } of OPERATIONS) {
      for (const [status, { content }] of Object.entries(responses)) {
        const problem = content["application/problem+json"]?.["schema"] as Members | undefined;
        if (!problem) continue;
        const [base, own] = problem["allOf"] as Members[];
        expect(base, `${id} ${status}`).toEqual({ $ref: "#/components/schemas/Problem" });
        const codes = ((own!["properties"] as Members)["code"] as Members)[
          "enum"
        ] as (keyof typeof ERROR_CODES)[];
        expect(new Set(codes.map((code) => ERROR_CODES[code].status)), `${id} ${status}`).toEqual(
          new Set([Number(status)]),
        );
      }
    }
  });
});

describe("the examples are valid by their own schemas:", () => {
  const media = OPERATIONS.flatMap(({ id, responses }) =>
    Object.entries(responses).flatMap(([status, { content }]) =>
      Object.entries(content)
        .filter(([, described]) => described["example"] !== undefined)
        .map(([type, described]) => [`${id} ${status} ${type}`, type, described] as const),
    ),
  );

  it.each(media)("%s", (_, type, described) => {
    const { example } = described;
    // The end of a block in YAML takes the blank line that ends an event.
    const items = described["itemSchema"]
      ? itemsOf(type, described, `${example as string}\n\n`)
      : [example];
    expect(items.length).toBeGreaterThan(0);
    for (const item of items)
      expect(
        faultOf((described["itemSchema"] ?? described["schema"]) as Members, item),
      ).toBeUndefined();
  });
});
