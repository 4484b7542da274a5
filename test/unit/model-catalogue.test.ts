import { describe, expect, it } from "vitest";
import { ConfigError, parseConfig } from "../../src/config.ts";
import { verifies } from "../support/verifies.ts";

const SECRET = "sk-very-secret-4711";

function problemsOf(environment: Record<string, string>): string {
  try {
    parseConfig(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error("it was taken");
}

describe("the models that are configured", () => {
  it("are none but demo by default", verifies("model-choice"), () => {
    expect(parseConfig({}).models).toEqual({ models: [], defaultModel: "demo" });
    expect(parseConfig({}).modelDeadlines).toEqual({ firstTokenMs: 60_000, idleMs: 30_000 });
  });

  it("may be several at one endpoint, the first the default", verifies("model-choice"), () => {
    const { models, defaultModel } = parseConfig({
      AI_BASE_URL: " http://localhost:11434/v1/ ",
      AI_API_KEY: `${SECRET}\n`,
      AI_MODEL: "llama3.2:latest, qwen/qwen3",
    }).models;
    const endpoint = {
      baseUrl: "http://localhost:11434/v1",
      apiKey: SECRET,
      maxTokensMember: "max_tokens",
    };
    expect(models).toEqual([
      { name: "llama3.2:latest", model: "llama3.2:latest", ...endpoint },
      { name: "qwen/qwen3", model: "qwen/qwen3", ...endpoint },
    ]);
    expect(defaultModel).toBe("llama3.2:latest");
  });

  it("may be at several endpoints, with keys of their own", verifies("model-choice"), () => {
    const { models, defaultModel } = parseConfig({
      AI_BASE_URL: "http://localhost:8000/v1",
      AI_MODEL: "local",
      AI_MODELS: JSON.stringify({
        big: {
          baseUrl: "https://api.openai.com/v1",
          model: "gpt-5",
          apiKeyEnv: "OPENAI_API_KEY",
        },
        small: {
          baseUrl: "https://example.com/v1",
          apiKey: SECRET,
          maxTokensMember: "max_completion_tokens",
        },
      }),
      OPENAI_API_KEY: "sk-other",
      AI_DEFAULT_MODEL: "small",
    }).models;
    expect(models).toMatchObject([
      { name: "local", apiKey: undefined },
      { name: "big", model: "gpt-5", apiKey: "sk-other", maxTokensMember: "max_completion_tokens" },
      { name: "small", model: "small", apiKey: SECRET, maxTokensMember: "max_completion_tokens" },
    ]);
    expect(defaultModel).toBe("small");
    const base = { AI_BASE_URL: "http://localhost:8000/v1", AI_MODEL: "local" };
    expect(parseConfig({ ...base, AI_DEFAULT_MODEL: "demo" }).models.defaultModel).toBe("demo");
  });

  it(
    "say at start what is wrong with them, and repeat no secret",
    verifies("model-choice", "model-secrets"),
    () => {
      const table = (entry: object) => ({ AI_MODELS: JSON.stringify({ big: entry }) });
      const baseUrl = "https://example.com/v1";
      const base = { AI_BASE_URL: baseUrl, AI_MODEL: "a" };
      for (const [environment, problem] of [
        [
          { AI_BASE_URL: `https://u:${SECRET}@example.com/v1`, AI_MODEL: "a" },
          "AI_BASE_URL: expected an address",
        ],
        [
          { AI_BASE_URL: `https://example.com/?key=${SECRET}`, AI_MODEL: "a" },
          "AI_BASE_URL: expected an address",
        ],
        [{ AI_BASE_URL: "example.com", AI_MODEL: "a" }, "AI_BASE_URL: expected an address"],
        [{ AI_BASE_URL: baseUrl }, "AI_MODEL: is needed beside AI_BASE_URL"],
        [{ AI_MODEL: "a" }, "AI_BASE_URL: is needed beside AI_MODEL"],
        [{ AI_API_KEY: SECRET }, "AI_API_KEY: is a key for AI_BASE_URL"],
        [{ ...base, AI_API_KEY: `${SECRET} and more` }, "AI_API_KEY: expected a key"],
        [{ ...base, AI_API_KEY: `${SECRET}\u0000` }, "AI_API_KEY: expected a key"],
        [{ ...base, AI_MODEL: "a,a" }, "AI_MODEL: names a model twice"],
        [{ ...base, AI_MODEL: "a,,b" }, "AI_MODEL: expected a name"],
        [{ ...base, AI_MODEL: "demo" }, "AI_MODEL: demo is the name"],
        [
          { AI_MODELS: '{"demo":{"baseUrl":"https://example.com"}}' },
          "AI_MODELS: demo is the name",
        ],
        [
          { ...base, AI_MODELS: '{"a":{"baseUrl":"https://example.com"}}' },
          'AI_MODELS: "a": is named in AI_MODEL too',
        ],
        [{ ...base, AI_DEFAULT_MODEL: "b" }, "AI_DEFAULT_MODEL: expected one of a, demo"],
        [{ AI_MODELS: `{"big": "${SECRET}"` }, "AI_MODELS: expected a JSON object"],
        [{ AI_MODELS: "[]" }, "AI_MODELS: expected a JSON object"],
        [{ AI_MODELS: "{}" }, "AI_MODELS: expected a JSON object"],
        [{ AI_MODELS: `{"big": "${SECRET}"}` }, 'AI_MODELS: "big": '],
        [table({}), 'AI_MODELS: "big".baseUrl: expected an address'],
        [table({ baseUrl, apikey: SECRET }), 'AI_MODELS: "big": Unrecognized key: "apikey"'],
        [
          table({ baseUrl, apiKey: `${SECRET}\n\n!${SECRET}` }),
          'AI_MODELS: "big".apiKey: expected a key',
        ],
        [table({ baseUrl, apiKey: 7 }), 'AI_MODELS: "big".apiKey: expected a key'],
        [table({ baseUrl, apiKeyEnv: SECRET }), 'AI_MODELS: "big".apiKeyEnv: expected the name'],
        [
          table({ baseUrl, apiKeyEnv: "NOT_SET" }),
          'AI_MODELS: "big".apiKeyEnv: the variable that it names holds no key',
        ],
        [
          { ...table({ baseUrl, apiKey: SECRET, apiKeyEnv: "KEY" }), KEY: SECRET },
          'AI_MODELS: "big".apiKeyEnv: give either',
        ],
        [table({ baseUrl, maxTokensMember: SECRET }), 'AI_MODELS: "big".maxTokensMember: '],
        [
          { AI_MODELS: '{"a b":{"baseUrl":"https://example.com"}}' },
          'AI_MODELS: "a b": expected a name',
        ],
        [{ CHAT_IDLE_TIMEOUT: "1h" }, "CHAT_IDLE_TIMEOUT: expected a duration from 1ms to 5m"],
      ] as const) {
        const message = problemsOf({ ...environment });
        expect(message).toContain(`  ${problem}`);
        expect(message).not.toContain(SECRET);
      }
      const both = problemsOf({ PORT: "x", AI_MODEL: "a", AI_MODELS: '{"b":{},"c":{}}' });
      for (const problem of ["PORT: ", "AI_BASE_URL: ", 'AI_MODELS: "b"', 'AI_MODELS: "c"'])
        expect(both).toContain(`  ${problem}`);
    },
  );
});
