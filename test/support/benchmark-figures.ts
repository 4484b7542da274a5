import { readDocument } from "./documents.ts";

interface Results {
  readonly sizes: Readonly<Record<string, number>>;
  readonly scenarios: Readonly<
    Record<
      string,
      {
        readonly own: string;
        readonly metrics: Readonly<Record<string, { readonly values: Record<string, number> }>>;
      }
    >
  >;
}

const results = JSON.parse(readDocument("bench/results.json")) as Results;

/** NovaStream's own figure of the committed benchmark, `scenario.metric`, or a size of it, `sizes.readers`. */
export function measured(path: string): number {
  const [scenario, metric] = path.split(".") as [string, string];
  const { own, metrics } = results.scenarios[scenario] ?? { own: "", metrics: {} };
  const figure = scenario === "sizes" ? results.sizes[metric] : metrics[metric]?.values[own];
  if (figure === undefined) throw new Error(`the benchmark has no ${path}`);
  return figure;
}

/** `82,000`, `13.4`: what stands in a text as a number of its own. */
export const numbersIn = (text: string): string[] =>
  text.match(/(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w.]*\d)/g) ?? [];

/** Is a figure the rounded other, to as many digits as it shows? */
export function isRounded(figure: string, exact: number): boolean {
  const digits = figure.replaceAll(",", "");
  const value = Number(digits);
  const decimals = digits.split(".")[1]?.length;
  const zeros = /0*$/.exec(digits)![0].length;
  const unit = decimals === undefined ? 10 ** zeros : 10 ** -decimals;
  // Half a unit, and what floating point adds.
  return Math.abs(value - exact) <= unit / 2 + unit * 1e-9;
}

/** As the documents write numbers: `1,850`. @param digits that count */
export const rounded = (value: number, digits: number): string =>
  Number(value.toPrecision(digits)).toLocaleString("en-US", { maximumFractionDigits: 6 });
