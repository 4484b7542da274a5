import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { InvalidResponseDataError } from "@ai-sdk/provider";
import type { Logger } from "../../telemetry/logger.ts";
import type { Model, ModelPart, ModelRequest } from "./model.ts";
import type { ModelSettings } from "./model-settings.ts";
import { toModelPart } from "./ai-sdk-answer.ts";
import { toFailure } from "./ai-sdk-failure.ts";
import { type SdkModel, toSdkRequest } from "./ai-sdk-request.ts";

/** Of what a provider says when it fails, in the log. */
const TOLD_MAX_LENGTH = 1_000;

/** A model behind any endpoint that speaks OpenAI's chat completions, through the AI SDK. */
export class AiSdkModel implements Model {
  readonly name: string;
  readonly #settings: ModelSettings;
  readonly #logger: Logger;
  readonly #model: SdkModel;

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
    let begun = false;
    try {
      // Not through `streamText`: it keeps every part of an answer until its end, for results that nobody asks for.
      const { stream } = await this.#model.doStream(toSdkRequest(request, signal));
      // Whoever leaves this loop cancels the stream, and with it the request.
      for await (const part of stream) {
        if (part.type === "error") throw part.error;
        const said = toModelPart(part);
        if (!said) continue;
        begun = true;
        yield said;
        if (said.type === "finish") return;
      }
      throw new InvalidResponseDataError({ data: undefined, message: "no finish" });
    } catch (error) {
      if (!signal.aborted) throw this.#understand(error, begun);
      throw new DOMException("The request was cancelled.", "AbortError");
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
