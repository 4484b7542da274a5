import { describe, expect, it } from "vitest";
import { ERROR_CODES, type ErrorCode, ServiceError } from "../../src/errors.ts";
import { openAiErrorResponse } from "../../src/routes/openai-error.ts";
import { verifies } from "../support/verifies.ts";

describe("an error in OpenAI's shape", () => {
  it.each(Object.keys(ERROR_CODES) as ErrorCode[])(
    "says %s",
    verifies("openai-errors"),
    async (code) => {
      const error = new ServiceError(code, "Why.", { field: "messages.0.content" });
      const response = openAiErrorResponse(error, "request-1");
      const { status, retryable } = ERROR_CODES[code];
      expect(response.status).toBe(code === "unknown-model" ? 404 : status);
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(response.headers.get("x-should-retry")).toBe(retryable ? null : "false");
      const type =
        status >= 500
          ? "server_error"
          : status === 429
            ? "rate_limit_error"
            : "invalid_request_error";
      expect(await response.json()).toEqual({
        error: {
          message: "Why.",
          type,
          param: "messages.0.content",
          code: expect.any(String) as string,
        },
      });
    },
  );

  it("has OpenAI's own words where it has some", verifies("openai-errors"), async () => {
    const told = async (code: ErrorCode, field?: string) => {
      const error = new ServiceError(code, "Why.", field === undefined ? {} : { field });
      const { error: shown } = (await openAiErrorResponse(error, "request-1").json()) as {
        error: { code: string; param: string | null };
      };
      return `${shown.code} ${shown.param}`;
    };
    expect(await told("unknown-model", "model")).toBe("model_not_found model");
    expect(await told("rate-limited")).toBe("rate_limit_exceeded null");
    expect(await told("model-rate-limited")).toBe("rate_limit_exceeded null");
    expect(await told("invalid-body", "maxTokens")).toBe("invalid-body max_tokens");
    expect(await told("model-broken")).toBe("model-broken null");
  });

  it("says when to come back, to the millisecond and in seconds", verifies("openai-errors"), () => {
    const headersOf = (retryAfterMs?: number) => {
      const error = new ServiceError(
        "overloaded",
        "Full.",
        retryAfterMs === undefined ? {} : { retryAfterMs },
      );
      const { headers } = openAiErrorResponse(error, "request-1");
      return [headers.get("retry-after-ms"), headers.get("retry-after")];
    };
    expect(headersOf(1_250)).toEqual(["1250", "2"]);
    expect(headersOf()).toEqual([null, "1"]);
  });

  it("tells nothing of what is not known", verifies("openai-errors"), async () => {
    const response = openAiErrorResponse(new TypeError("secret"), "request-1");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
  });
});
