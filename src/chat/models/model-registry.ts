import { ServiceError } from "../../errors.ts";
import type { Model } from "./model.ts";

/** The models that may be asked for by name; the first is the default. */
export class ModelRegistry {
  readonly #models: ReadonlyMap<string, Model>;
  readonly #default: Model;
  /** When this process began to offer them, in ms since the epoch. */
  readonly since = Date.now();

  constructor(models: readonly [Model, ...Model[]]) {
    this.#models = new Map(models.map((model) => [model.name, model]));
    this.#default = models[0];
  }

  get names(): string[] {
    return [...this.#models.keys()];
  }

  /** @param name undefined = the default @throws ServiceError `unknown-model` */
  find(name: string | undefined): Model {
    const model = name === undefined ? this.#default : this.#models.get(name);
    if (model) return model;
    throw new ServiceError(
      "unknown-model",
      `There is no model ${JSON.stringify(name)}. There is: ${this.names.join(", ")}.`,
      { field: "model" },
    );
  }
}
