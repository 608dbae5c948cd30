/** What every test file begins with: the run is watched for planted secrets, and one that got out fails its test. */
import { afterAll, afterEach, expect } from "vitest";
import { takeLeaks, watchedFetch } from "./leakWatch.ts";

const mark = Symbol.for("fetch watched for leaks");
const holder = globalThis as { [mark]?: true };
// files of one worker share it
if (holder[mark] === undefined) {
  holder[mark] = true;
  globalThis.fetch = watchedFetch(globalThis.fetch);
}

function expectNoLeak(): void {
  expect(takeLeaks()).toEqual([]);
}
afterEach(expectNoLeak);
afterAll(expectNoLeak);
