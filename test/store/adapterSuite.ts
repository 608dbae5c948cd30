/** Runs the same cases against an adapter that it is given: what the suites of the store and of the queue share. */
import { describe, expect, test } from "vitest";

/** States one sentence about adapters. */
export type Case<U> = (title: string, check: (under: U) => Promise<void>) => void;

export interface SuiteOptions<U extends AsyncDisposable> {
  readonly name: string;
  readonly cases: (state: Case<U>) => void;
  /** Makes an empty adapter for one case. */
  readonly open: () => Promise<U>;
  /** The titles of cases that this adapter doesn't run, each with the reason. */
  readonly skips: Readonly<Record<string, string>>;
}

export function adapterSuite<U extends AsyncDisposable>(options: SuiteOptions<U>): void {
  const { name, open, skips } = options;
  const checks = new Map<string, (under: U) => Promise<void>>();
  options.cases((title, check) => {
    if (checks.has(title)) throw new Error(`two cases are called: ${title}`);
    checks.set(title, check);
  });
  for (const title of Object.keys(skips)) {
    if (!checks.delete(title)) throw new Error(`no such case to skip: ${title}`);
  }
  describe.each([name])("%s", () => {
    test.each([...checks])("%s", async (_title, check) => {
      expect.hasAssertions();
      await using under = await open();
      await check(under);
    });
  });
}
