import type { IncomingMessage, ServerResponse } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { z } from "zod";
import { ServiceError } from "../errors.ts";
import { ANONYMOUS, USER_PATTERN } from "../wire/grammar.ts";
import { issueField } from "../wire/issue.ts";

/** What middleware leaves for the routes. */
export interface RequestVariables {
  requestId: string;
  startedAt: number;
}

export type AppEnvironment = { Bindings: HttpBindings; Variables: RequestVariables };
export type AppContext = Context<AppEnvironment>;

export const incomingOf = (c: AppContext): IncomingMessage => c.env.incoming;
export const outgoingOf = (c: AppContext): ServerResponse => c.env.outgoing;

/** Who is asking: without authentication, whoever `?user=` says. @throws ServiceError `invalid-parameter` */
export function principalOf(user: string | undefined): string {
  if (user === undefined) return ANONYMOUS;
  if (USER_PATTERN.test(user)) return user;
  throw new ServiceError(
    "invalid-parameter",
    "user must be a name without spaces, at most 128 characters.",
    { field: "user" },
  );
}

/** @throws ServiceError `invalid-parameter` */
export function idempotencyKeyOf(c: AppContext): string | undefined {
  const key = c.req.header("idempotency-key");
  if (key === undefined || /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new ServiceError(
    "invalid-parameter",
    "Idempotency-Key must be 1 to 255 visible ASCII characters.",
    {
      field: "Idempotency-Key",
    },
  );
}

/** The query parameters, each once unless it is in `repeatable`. @throws ServiceError `invalid-parameter` */
export function parseQuery<T extends z.ZodType>(
  query: URLSearchParams,
  schema: T,
  repeatable: readonly string[] = [],
): z.infer<T> {
  const raw: Record<string, string | string[]> = {};
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name);
    if (repeatable.includes(name)) raw[name] = values;
    else if (values.length === 1) raw[name] = values[0]!;
    else throw new ServiceError("invalid-parameter", `${name} may be given once.`, { field: name });
  }
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const field = issueField(result.error).split(".")[0]!;
  throw new ServiceError("invalid-parameter", `${field}: ${result.error.issues[0]!.message}.`, {
    field,
  });
}

export function queryOf(c: AppContext): URLSearchParams {
  return new URL(c.req.url).searchParams;
}
