/** Values of options on a bench's command line, checked: each that doesn't fit is refused with the option's name and the reason. */
import { parseArgs, type ParseArgsConfig } from "node:util";

/** The command line can't be understood; the message says why. */
export class BenchOptionsError extends Error {
  override readonly name = "BenchOptionsError";
}

/** As `parseArgs` does. @throws {BenchOptionsError} */
export function optionsIn<C extends ParseArgsConfig>(
  config: C,
): ReturnType<typeof parseArgs<C>>["values"] {
  try {
    return parseArgs(config).values;
  } catch (error) {
    throw new BenchOptionsError(error instanceof Error ? error.message : String(error));
  }
}

/** Some of those known, in their own order. @throws {BenchOptionsError} */
export function names<N extends string>(
  option: string,
  text: string,
  known: readonly N[],
): readonly N[] {
  if (text.trim() === "") {
    throw new BenchOptionsError(`--${option} is empty; there are ${known.join(", ")}`);
  }
  const asked = new Set(text.split(","));
  const found = known.filter((name) => asked.delete(name));
  if (asked.size === 0) return found;
  throw new BenchOptionsError(
    `--${option} knows no ${[...asked].map((name) => name || "''").join(", ")}; there are ${known.join(", ")}`,
  );
}

interface NumberForm {
  readonly whole?: boolean;
  readonly least?: number;
}

/** Numbers between commas, each of that form. @throws {BenchOptionsError} */
export function numbers(option: string, text: string, form: NumberForm): readonly number[] {
  const { whole = false, least = 1 } = form;
  return text.split(",").map((each) => {
    const value = Number(each);
    const fits = whole ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (each.trim() !== "" && fits && value >= least) return value;
    const kind = whole ? "whole number" : "number";
    throw new BenchOptionsError(`--${option} must be a ${kind} from ${least}, not '${each}'`);
  });
}

/** @throws {BenchOptionsError} */
export function one(option: string, text: string, form: NumberForm): number {
  return only(option, numbers(option, text, form));
}

/** @throws {BenchOptionsError} */
export function only<T extends string | number>(option: string, [value, ...more]: readonly T[]): T {
  if (value !== undefined && more.length === 0) return value;
  throw new BenchOptionsError(
    `--${option} takes one ${typeof value === "string" ? "name" : "number"}`,
  );
}
