import type { Logger } from "../../telemetry/logger.ts";
import { DemoModel } from "./demo-model.ts";
import type { Model } from "./model.ts";
import type { ModelCatalogue } from "./model-catalogue.ts";
import { ModelRegistry } from "./model-registry.ts";
import { type ModelDeadlines, withDeadlines } from "./with-deadlines.ts";

export interface ModelOptions {
  readonly catalogue: ModelCatalogue;
  readonly deadlines: ModelDeadlines;
  readonly demoDelayMs: number;
  readonly logger: Logger;
}

/** The models that this process offers: those that are configured, and the demo model. */
export async function createModels(options: ModelOptions): Promise<ModelRegistry> {
  const { catalogue, deadlines, demoDelayMs, logger } = options;
  const models: Model[] = [new DemoModel(demoDelayMs)];
  if (catalogue.models.length > 0) {
    // Loaded only where it is used.
    const { AiSdkModel } = await import("./ai-sdk-model.ts");
    models.unshift(...catalogue.models.map((settings) => new AiSdkModel(settings, logger)));
  }
  const isDefault = ({ name }: Model) => name === catalogue.defaultModel;
  const first = models.find(isDefault);
  if (!first) throw new TypeError("the default model is none of those that are configured");
  const ordered: [Model, ...Model[]] = [first, ...models.filter((model) => model !== first)];
  const [head, ...rest] = ordered.map((model) => withDeadlines(model, deadlines));
  logger.info({ models: ordered.map(({ name }) => name) }, "models, the default one first");
  return new ModelRegistry([head!, ...rest]);
}
