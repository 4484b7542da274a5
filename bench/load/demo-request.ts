import type { ModelRequest } from "../../src/chat/models/model.ts";

/** What the demo model is asked for a prompt alone. */
export function demoRequest(prompt: string): ModelRequest {
  return {
    messages: [{ role: "user", content: prompt }],
    maxTokens: 1_000,
    temperature: undefined,
  };
}
