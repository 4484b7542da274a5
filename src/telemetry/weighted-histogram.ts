import type { Histogram, Registry } from "prom-client";

/**
 * A histogram without labels that takes many equal observations at the price of one. prom-client's own takes them singly,
 * which for each reader of each event costs about as much as writing to its socket.
 */
export class WeightedHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = "histogram";
  readonly aggregator = "sum";
  readonly labelNames: readonly string[] = [];
  /** Ascending, without +Inf. */
  readonly upperBounds: readonly number[];
  /** Not cumulative; the last is above all bounds. */
  readonly #counts: number[];
  #sum = 0;

  constructor(name: string, help: string, upperBounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.upperBounds = upperBounds;
    this.#counts = Array.from({ length: upperBounds.length + 1 }, () => 0);
  }

  register(registry: Registry): void {
    // All that a registry asks of a metric is its name and `get`.
    registry.registerMetric(this as unknown as Histogram);
  }

  observe(value: number, count: number): void {
    const at = this.upperBounds.findIndex((bound) => value <= bound);
    this.#counts[at < 0 ? this.upperBounds.length : at]! += count;
    this.#sum += value * count;
  }

  /** As prom-client's registry writes it down. */
  async get() {
    const { name, help, type, aggregator } = this;
    let count = 0;
    const buckets = [...this.upperBounds, "+Inf"].map((le, at) => {
      count += this.#counts[at]!;
      return { metricName: `${name}_bucket`, labels: { le }, value: count };
    });
    const totals = [
      { metricName: `${name}_sum`, labels: {}, value: this.#sum },
      { metricName: `${name}_count`, labels: {}, value: count },
    ];
    return { name, help, type, aggregator, values: [...buckets, ...totals] };
  }
}
