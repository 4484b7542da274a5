import { ModelError } from "./model-error.ts";
import type { Model, ModelPart, ModelRequest } from "./model.ts";

export interface ModelDeadlines {
  /** From the request to the first part of the answer, in ms. */
  readonly firstTokenMs: number;
  /** Between parts, in ms. */
  readonly idleMs: number;
}

/**
 * A model that is not waited for beyond its deadlines: a provider that accepts a request and then says nothing would
 * otherwise keep its readers for ever. Whatever the model does is cancelled when a deadline passes.
 *
 * Its stream throws ModelError `model-first-token-timeout` or `model-idle-timeout`.
 */
export function withDeadlines(model: Model, { firstTokenMs, idleMs }: ModelDeadlines): Model {
  return {
    name: model.name,
    stream: (request, signal) => stream(request, signal),
  };

  async function* stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
    const upstream = new AbortController();
    const cancel = () => upstream.abort();
    let late: ModelError | undefined;
    const expire = (error: ModelError) => {
      late = error;
      upstream.abort();
    };
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancel, { once: true });
    let timer = setTimeout(() => expire(firstTokenTimeout(firstTokenMs)), firstTokenMs);
    let begun = false;
    try {
      for await (const part of model.stream(request, upstream.signal)) {
        if (late) break;
        if (begun) timer.refresh();
        else {
          begun = true;
          clearTimeout(timer);
          timer = setTimeout(() => expire(idleTimeout(idleMs)), idleMs);
        }
        yield part;
      }
    } catch (error) {
      throw late ?? error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
    }
    if (late) throw late;
  }
}

function firstTokenTimeout(ms: number): ModelError {
  return new ModelError(
    "model-first-token-timeout",
    `The model did not begin to answer within ${inSeconds(ms)}.`,
  );
}

function idleTimeout(ms: number): ModelError {
  return new ModelError("model-idle-timeout", `The model said nothing more for ${inSeconds(ms)}.`);
}

function inSeconds(ms: number): string {
  return `${ms / 1_000} s`;
}
