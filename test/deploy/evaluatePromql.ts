/**
 * Evaluates PromQL at one moment, as far as the alerts need it, so that a test can tell when they fire. Rates are the plain growth
 * between the samples in their range, not extrapolated. It must never guess: what it doesn't know is an error.
 */
import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";
import { childrenOf, selectorsOf } from "./promql.ts";

/** One series with its samples, a minute apart; the last one is that of now. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly number[];
}

interface Element {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
type Vector = readonly Element[];
interface Range {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly number[];
}

const unitMinutes: Readonly<Record<string, number>> = { m: 1, h: 60 };

/**
 * The vector that an alert's expression gives: it fires when there is something in it.
 *
 * @throws {SyntaxError} for what isn't known here.
 */
export function evaluate(expression: string, series: readonly Series[]): Vector {
  const found = new Evaluation(expression, series).valueOf(
    onlyChild(parser.parse(expression).topNode),
  );
  if (typeof found === "number") throw new SyntaxError(`a number: ${expression}`);
  return found;
}

class Evaluation {
  readonly #expression: string;
  readonly #series: readonly Series[];

  constructor(expression: string, series: readonly Series[]) {
    this.#expression = expression;
    this.#series = series;
  }

  valueOf(node: SyntaxNode): Vector | number {
    switch (node.name) {
      case "ParenExpr":
        return this.valueOf(onlyChild(node));
      case "NumberDurationLiteral":
        return Number(this.#text(node));
      case "VectorSelector":
        return this.#selected(node).map(({ labels, samples }) => ({
          labels,
          value: samples.at(-1) ?? NaN,
        }));
      case "BinaryExpr":
        return this.#binary(node);
      case "AggregateExpr":
        return this.#aggregate(node);
      case "FunctionCall":
        return this.#call(node);
      default:
        throw new SyntaxError(`not known here: ${node.name} in ${this.#expression}`);
    }
  }

  #text({ from, to }: SyntaxNode): string {
    return this.#expression.slice(from, to);
  }

  #vectorOf(node: SyntaxNode): Vector {
    const found = this.valueOf(node);
    return typeof found === "number" ? [{ labels: {}, value: found }] : found;
  }

  #selected(node: SyntaxNode): readonly Range[] {
    const [selector] = selectorsOf(this.#text(node));
    if (selector === undefined) throw new SyntaxError(`no selector: ${this.#text(node)}`);
    return this.#series.filter(
      ({ name, labels }) =>
        name === selector.metric &&
        selector.matchers.every(({ label, operator, value }) => {
          const present = labels[label] ?? "";
          const fits = operator.includes("~")
            ? new RegExp(`^(?:${value})$`).test(present)
            : present === value;
          return operator.startsWith("!") ? !fits : fits;
        }),
    );
  }

  #call(node: SyntaxNode): Vector {
    const name = this.#text(childrenOf(node)[0] ?? node);
    const argument = onlyChild(childrenOf(node)[1] ?? node);
    if (name === "vector") return this.#vectorOf(argument);
    if (name === "absent") {
      return this.#vectorOf(argument).length === 0 ? [{ labels: {}, value: 1 }] : [];
    }
    const [selector, duration] = childrenOf(argument);
    const [, count = "", unit = ""] = /^(\d+)([mh])$/.exec(this.#text(duration ?? argument)) ?? [];
    const minutes = Number(count) * (unitMinutes[unit] ?? NaN);
    if (argument.name !== "MatrixSelector" || selector === undefined || !(minutes > 0)) {
      throw new SyntaxError(`no range: ${this.#text(argument)}`);
    }
    return this.#selected(selector).flatMap(({ labels, samples }) => {
      const value = overTime(name, samples.slice(-minutes - 1), minutes);
      return value === undefined ? [] : [{ labels, value }];
    });
  }

  #aggregate(node: SyntaxNode): Vector {
    const [operator, ...rest] = childrenOf(node);
    const body = rest.at(-1);
    if (operator === undefined || body === undefined || rest.length !== 1) {
      throw new SyntaxError(`a grouping isn't known here: ${this.#text(node)}`);
    }
    const values = this.#vectorOf(onlyChild(body)).map(({ value }) => value);
    if (values.length === 0) return [];
    const name = this.#text(operator);
    const aggregated = { sum: sumOf(values), max: Math.max(...values), count: values.length }[name];
    if (aggregated === undefined) throw new SyntaxError(`not known here: ${name}`);
    return [{ labels: {}, value: aggregated }];
  }

  #binary(node: SyntaxNode): Vector | number {
    const [left, operator, right] = childrenOf(node);
    if (left === undefined || operator === undefined || right === undefined) {
      throw new SyntaxError(`no operator: ${this.#text(node)}`);
    }
    const [one, other] = [this.valueOf(left), this.valueOf(right)];
    const name = this.#text(operator);
    if (typeof one === "number" && typeof other === "number") return calculated(name, one, other);
    if (typeof one === "number") throw new SyntaxError(`a number first: ${this.#text(node)}`);
    const partnerOf = ({ labels }: Element): Element | undefined =>
      typeof other === "number"
        ? { labels, value: other }
        : other.find((each) => keyOf(each) === keyOf({ labels, value: 0 }));
    switch (name) {
      case "and":
        return one.filter((each) => partnerOf(each) !== undefined);
      case "unless":
        return one.filter((each) => partnerOf(each) === undefined);
      case "or": {
        const keys = one.map(keyOf);
        const added = typeof other === "number" ? [] : other;
        return [...one, ...added.filter((each) => !keys.includes(keyOf(each)))];
      }
      default:
        return one.flatMap((each) => {
          const partner = partnerOf(each);
          if (partner === undefined) return [];
          if (name in comparisons) {
            return comparisons[name]?.(each.value, partner.value) === true ? [each] : [];
          }
          return [{ labels: each.labels, value: calculated(name, each.value, partner.value) }];
        });
    }
  }
}

const comparisons: Readonly<Record<string, (one: number, other: number) => boolean>> = {
  "==": (one, other) => one === other,
  "<": (one, other) => one < other,
  ">": (one, other) => one > other,
};

function calculated(operator: string, one: number, other: number): number {
  switch (operator) {
    case "-":
      return one - other;
    case "*":
      return one * other;
    case "/":
      return one / other;
    default:
      throw new SyntaxError(`not known here: ${operator}`);
  }
}

/** What a function makes of the samples in its range; nothing of too few. */
function overTime(name: string, samples: readonly number[], minutes: number): number | undefined {
  const steps = samples.slice(1).map((value, index) => [samples[index] ?? 0, value] as const);
  // a counter that has become smaller has begun anew
  const growth = sumOf(steps.map(([from, to]) => (to < from ? to : to - from)));
  switch (name) {
    case "increase":
      return steps.length === 0 ? undefined : growth;
    case "rate":
      return steps.length === 0 ? undefined : growth / (minutes * 60);
    case "changes":
      return steps.filter(([from, to]) => from !== to).length;
    case "avg_over_time":
      return samples.length === 0 ? undefined : sumOf(samples) / samples.length;
    default:
      throw new SyntaxError(`not known here: ${name}`);
  }
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function keyOf({ labels }: Element): string {
  return JSON.stringify(
    Object.entries(labels)
      .filter(([label]) => label !== "__name__")
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
}

function onlyChild(node: SyntaxNode): SyntaxNode {
  const [child, ...more] = childrenOf(node);
  if (child === undefined || more.length > 0) throw new SyntaxError(`not one part: ${node.name}`);
  return child;
}
