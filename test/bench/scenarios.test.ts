/** What the scenarios ask for, and which answers count. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { operationIds } from "../../generated/types/operationIds.ts";
import { answerFault, apiVersion, scenarios } from "./scenarios.ts";
import { guidOf } from "./storedClusters.ts";

function named(name: string) {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`there is no scenario ${name}`);
  return found;
}

test.each(["create", "replace"])("no two requests of %s take the same cluster", (name) => {
  const scenario = named(name);
  const paths = Array.from({ length: 2_000 }, (_, number) => scenario.request(number, 100).path);
  expect(new Set(paths).size).toBe(2_000);
});

test.each(["get", "patch-tags", "operation-status", "invalid-put"])(
  "%s comes to each stored cluster before it comes to one again",
  (name) => {
    for (const stored of [1, 100, 10_000]) {
      const asked = Array.from({ length: stored }, (_, at) => named(name).request(at, stored).path);
      expect(new Set(asked).size).toBe(stored);
    }
  },
);

test("those that write are known", () => {
  const writing = scenarios.filter(({ writes }) => writes === true).map(({ name }) => name);
  expect(writing).toEqual(["patch-tags", "replace", "create"]);
});

test("each PATCH changes something, and what is missing is never there", () => {
  const { request } = named("patch-tags");
  expect(request(0, 1).path).toBe(request(1, 1).path);
  expect(request(0, 1).body).not.toBe(request(1, 1).body);
  const there = new Set(Array.from({ length: 50 }, (_, at) => named("get").request(at, 50).path));
  fc.assert(
    fc.property(fc.nat(100_000), (number) => {
      expect(there.has(named("get-missing").request(number, 50).path)).toBe(false);
    }),
  );
});

test("each names an operation of the contract", () => {
  const served: readonly string[] = operationIds[apiVersion];
  expect(scenarios.filter(({ operationId }) => !served.includes(operationId))).toEqual([]);
});

test("an answer counts only if it is of the kind that was asked for, and to this request", () => {
  const expected = { status: 200, mark: '"provisioningState"', marks: 1 };
  const body = '{"name": "cluster-1", "properties": {"provisioningState": "Succeeded"}}';
  expect(answerFault({ status: 200, body }, expected, '"cluster-1"')).toBeUndefined();
  expect(answerFault({ status: 200, body }, expected, '"cluster-11"')).toContain("is not in it");
  expect(answerFault({ status: 409, body }, expected)).toMatch(/^200 was expected: 409/);
  expect(answerFault({ status: 200, body: "{}" }, expected)).toContain("stands 0 times");
  expect(answerFault({ status: 200, body: body + body }, expected)).toContain("stands 2 times");
});

test("ids are GUIDs, and always the same", () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), (number) => {
      const id = guidOf("operation", number);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(guidOf("operation", number)).toBe(id);
      expect(guidOf("operation", number + 1)).not.toBe(id);
      expect(guidOf("incarnation", number)).not.toBe(id);
    }),
  );
});
