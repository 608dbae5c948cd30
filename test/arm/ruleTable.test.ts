/** The page of ARM's rules says what is true: every rule has its tests or a reason, every test with a rule is listed. */
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { namedTests, notesIn, renderTable, rulesNamed, rulesOf } from "./ruleTable.ts";

const root = new URL("../..", import.meta.url).pathname;
const read = (path: string): string => readFileSync(`${root}/${path}`, "utf8");

const page = "docs/arm-rules.md";
const rules = rulesOf(read("docs/arm-contract.md"));
const ids = rules.map(({ id }) => id);
const tests = globSync("test/**/*.ts", { cwd: root, exclude: ["**/node_modules/**"] })
  .toSorted()
  .flatMap((path) => namedTests(path, read(path)));

test("the contract lists 120 rules, each once", () => {
  expect(ids).toEqual(
    Array.from({ length: 120 }, (_, index) => `ARM-${String(index + 1).padStart(2, "0")}`),
  );
});

test("no test names a rule that there is not", () => {
  expect(tests.filter((named) => named.rules.some((id) => !ids.includes(id)))).toEqual([]);
});

test("every rule has a test, or a remark that says why it has none", () => {
  const tested = new Set(tests.flatMap((named) => named.rules));
  const notes = notesIn(read(page));
  expect(ids.filter((id) => !tested.has(id) && !notes.has(id))).toEqual([]);
});

test("the page lists exactly the tests that there are", async () => {
  const expected = renderTable(rules, tests, notesIn(read(page)));
  await expect(expected).toMatchFileSnapshot(`${root}/${page}`);
});

test("names are found in tests and groups of every form, with all the rules they mention", () => {
  const source = `
    test("ARM-01: one", () => {});
    test("of none", () => {});
    test.each([["ARM-02"]])("ARM-03 to ARM-05, ARM-120: %s", () => {});
    describe.each(versions)("$name", () => {
      it.skip(\`ARM-06: \${x} of it\`, () => {});
      other("ARM-07");
    });
    describe("group (ARM-08)", () => {});
  `;
  expect(namedTests("a.test.ts", source).map(({ name, rules: named }) => [name, named])).toEqual([
    ["ARM-01: one", ["ARM-01"]],
    ["ARM-03 to ARM-05, ARM-120: %s", ["ARM-03", "ARM-04", "ARM-05", "ARM-120"]],
    ["ARM-06: … of it", ["ARM-06"]],
    ["group (ARM-08)", ["ARM-08"]],
  ]);
  expect(rulesNamed("ARM-97 to ARM-99, decision 17")).toEqual(["ARM-97", "ARM-98", "ARM-99"]);
});

test("remarks survive, and a name with a bar breaks no row", () => {
  const rule = { id: "ARM-01", level: "MUST" };
  const named = { path: "test/a.test.ts", name: "ARM-01: a | b", rules: ["ARM-01"] };
  const table = renderTable([rule], [named], new Map([["ARM-01", "by hand"]]));
  expect(table).toContain("| ARM-01 | MUST | `test/a.test.ts`<br>• ARM-01: a \\| b | by hand |");
  expect(notesIn(table)).toEqual(new Map([["ARM-01", "by hand"]]));
});
