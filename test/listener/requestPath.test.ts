/** A request's target is taken apart before it is asked who calls, so no target may hold the process. */
import { expect, test } from "vitest";
import { parseRequestPath } from "../../src/listener/requestPath.ts";

test.each<[string, readonly string[]]>([
  ["/a///", ["a"]],
  ["//a//b/", ["a", "", "b"]],
  ["///", []],
  ["", []],
])("of the slashes of %o those at the ends give no segment", (target, segments) => {
  expect(parseRequestPath(target).segments).toEqual(segments);
});

// many times what a target may have: what grows by the square of it takes half a minute
test("many slashes are taken apart at once", { timeout: 5_000 }, () => {
  const { segments } = parseRequestPath(`/a${"/".repeat(200_000)}b`);
  expect(segments).toHaveLength(200_001);
});
