import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import { ServiceError } from "../errors.ts";
import { tryDepthProblem } from "../wire/depth.ts";
import { describeIssue, issueField } from "../wire/issue.ts";

export interface BodyLimits {
  readonly maxBodyBytes: number;
  /** For the whole body to arrive. */
  readonly bodyTimeoutMs: number;
}

/** What JSON is sent as, the default of `curl -d` included. */
const TEXTUAL =
  /^(application\/(json|x-ndjson|ndjson|jsonl|x-www-form-urlencoded|[\w.+-]+\+json)|text\/[\w.+-]+)\s*(;|$)/i;

/** @throws ServiceError `unsupported-media-type` */
export function requireText(request: IncomingMessage): void {
  const type = request.headers["content-type"];
  if (type === undefined || TEXTUAL.test(type)) return;
  throw new ServiceError("unsupported-media-type", `Send JSON or text, not ${type.slice(0, 80)}.`, {
    field: "Content-Type",
  });
}

/** Reads a whole body. @throws ServiceError `too-large`, `body-timeout`, `invalid-utf8`, `unsupported-media-type` */
export async function readText(request: IncomingMessage, limits: BodyLimits): Promise<string> {
  requireText(request);
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > limits.maxBodyBytes) throw tooLarge(limits);
  const bytes = await readBytes(request, limits);
  if (!isUtf8(bytes))
    throw new ServiceError("invalid-utf8", "The body must be UTF-8.", { field: "body" });
  return bytes.toString("utf8");
}

function readBytes(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    const onData = (piece: Buffer): void => {
      bytes += piece.length;
      if (bytes > limits.maxBodyBytes) settle(() => reject(tooLarge(limits)));
      else pieces.push(piece);
    };
    const onEnd = (): void => settle(() => resolve(Buffer.concat(pieces)));
    const onClose = (): void =>
      settle(() =>
        reject(new ServiceError("body-incomplete", "The body was cut short.", { field: "body" })),
      );
    const timer = setTimeout(() => {
      const detail = `The body did not arrive within ${limits.bodyTimeoutMs} ms.`;
      settle(() => reject(new ServiceError("body-timeout", detail, { field: "body" })));
    }, limits.bodyTimeoutMs);
    const settle = (outcome: () => void): void => {
      clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("close", onClose);
      outcome();
    };
    request.on("data", onData).on("end", onEnd).on("close", onClose);
  });
}

function tooLarge(limits: BodyLimits): ServiceError {
  return new ServiceError("too-large", `The body may have at most ${limits.maxBodyBytes} bytes.`, {
    field: "body",
    extra: { maxBodyBytes: limits.maxBodyBytes },
  });
}

/** @throws ServiceError `invalid-json` */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "it cannot be parsed";
    throw new ServiceError("invalid-json", `The body is not JSON: ${why}.`, {
      field: "body",
      cause,
    });
  }
}

/** @throws ServiceError `invalid-body` that names the field; `at` is where in the body the document stands */
export function validate<T extends z.ZodType>(schema: T, document: unknown, at = ""): z.infer<T> {
  const deep = tryDepthProblem(document);
  if (deep) throw invalidBody(at, deep.field, deep.problem);
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  throw invalidBody(at, issueField(result.error), describeIssue(result.error));
}

function invalidBody(at: string, member: string, problem: string): ServiceError {
  const field = [at, member].filter((part) => part !== "").join(".") || "body";
  return new ServiceError("invalid-body", `${at === "" ? "" : `${at}: `}${problem}.`, { field });
}

export async function readJson<T extends z.ZodType>(
  request: IncomingMessage,
  limits: BodyLimits,
  schema: T,
): Promise<z.infer<T>> {
  return validate(schema, parseJson(await readText(request, limits)));
}
