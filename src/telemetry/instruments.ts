import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { WeightedHistogram } from "./weighted-histogram.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Makes metrics under the service's prefix, all in one registry. */
export class Instruments {
  readonly registry = new Registry();

  gauge<T extends string = never>(name: string, help: string, labelNames: T[] = []): Gauge<T> {
    return new Gauge({ name: `streaming_${name}`, help, labelNames, registers: [this.registry] });
  }

  /**
   * @param values of its one label that alerts wait for: from nothing to 1 is no increase, so each is there from the start
   */
  counter<T extends string = never>(
    name: string,
    help: string,
    labelNames: T[] = [],
    values: readonly string[] = [],
  ): Counter<T> {
    const counter = new Counter({
      name: `streaming_${name}`,
      help,
      labelNames,
      registers: [this.registry],
    });
    for (const value of values) counter.inc({ [labelNames[0]!]: value } as Record<T, string>, 0);
    return counter;
  }

  histogram<T extends string = never>(
    name: string,
    help: string,
    labelNames: T[] = [],
    buckets = SECONDS,
  ): Histogram<T> {
    return new Histogram({
      name: `streaming_${name}`,
      help,
      labelNames,
      buckets,
      registers: [this.registry],
    });
  }

  /** For what is observed on the hot path, many times alike. */
  weightedHistogram(name: string, help: string): WeightedHistogram {
    const histogram = new WeightedHistogram(`streaming_${name}`, help, SECONDS);
    histogram.register(this.registry);
    return histogram;
  }
}
