import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { InvalidResponseDataError, type LanguageModel, streamText } from "ai";
import type { Logger } from "../../telemetry/logger.ts";
import type { Model, ModelPart, ModelRequest } from "./model.ts";
import type { ModelSettings } from "./model-settings.ts";
import { AnswerParts } from "./ai-sdk-answer.ts";
import { toCallSettings } from "./ai-sdk-request.ts";
import { toFailure } from "./ai-sdk-failure.ts";

/** Of what a provider says when it fails, in the log. */
const TOLD_MAX_LENGTH = 1_000;

/** A model behind any endpoint that speaks OpenAI's chat completions, through the AI SDK. */
export class AiSdkModel implements Model {
  readonly name: string;
  readonly #settings: ModelSettings;
  readonly #logger: Logger;
  readonly #model: LanguageModel;

  constructor(settings: ModelSettings, logger: Logger) {
    this.name = settings.name;
    this.#settings = settings;
    this.#logger = logger;
    const { baseUrl: baseURL, apiKey, maxTokensMember } = settings;
    this.#model = createOpenAICompatible({
      name: "upstream",
      baseURL,
      apiKey,
      includeUsage: true,
      transformRequestBody: ({ max_tokens, ...body }) => ({
        ...body,
        [maxTokensMember]: max_tokens,
      }),
      // A redirect would carry the conversation to an address that nobody has configured.
      fetch: (input, init) => fetch(input, { ...init, redirect: "manual" }),
    }).chatModel(settings.model);
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
    // Never the caller's own signal: one that is aborted with a text for its reason makes the SDK reject unheard.
    const call = new AbortController();
    const cancel = () => call.abort();
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancel, { once: true });
    const parts = new AnswerParts();
    let begun = false;
    let whole = false;
    try {
      call.signal.throwIfAborted();
      const { fullStream } = streamText({
        ...toCallSettings(request),
        model: this.#model,
        maxRetries: 0,
        abortSignal: call.signal,
        // They come as parts too; the SDK's own handler would print them, with all that was sent.
        onError: () => {},
      });
      for await (const part of fullStream) {
        if (part.type === "error") throw part.error;
        const said = parts.of(part);
        if (!said) continue;
        begun = true;
        whole = said.type === "finish";
        yield said;
        if (whole) return;
      }
      throw new InvalidResponseDataError({ data: undefined, message: "no finish" });
    } catch (error) {
      throw call.signal.aborted ? call.signal.reason : this.#understand(error, begun);
    } finally {
      signal.removeEventListener("abort", cancel);
      if (!whole) cancel();
    }
  }

  #understand(error: unknown, begun: boolean): Error {
    const { error: understood, told } = toFailure(error, begun);
    const { apiKey } = this.#settings;
    const shown = apiKey === undefined ? told : told?.replaceAll(apiKey, "[key]");
    this.#logger.debug(
      { model: this.name, code: understood.code, told: shown?.slice(0, TOLD_MAX_LENGTH) },
      "what a model's provider said",
    );
    return understood;
  }
}
