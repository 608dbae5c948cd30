/**
 * The table of ARM's rules and the tests that hold the program to them, made of the contract and of the tests' names. It
 * reads no file itself, so that a test can feed it other texts.
 */
import { parseSync, Visitor } from "oxc-parser";

/** A rule as the contract lists it. */
export interface Rule {
  readonly id: string;
  /** MUST, SHOULD or MAY, with what the contract adds to it. */
  readonly level: string;
}

/** A test, or a group of them, with the rules that its name mentions. */
export interface NamedTest {
  readonly path: string;
  readonly name: string;
  readonly rules: readonly string[];
}

const rulePattern = /^- \*\*(ARM-\d+) (.+?)\*\*/gm;

/** The rules in the order of the contract. */
export function rulesOf(contract: string): readonly Rule[] {
  return [...contract.matchAll(rulePattern)].map(([, id = "", level = ""]) => ({ id, level }));
}

/** The tests of a file whose names mention rules. */
export function namedTests(path: string, text: string): readonly NamedTest[] {
  const found: NamedTest[] = [];
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new SyntaxError(`${path} does not parse`);
  new Visitor({
    CallExpression({ callee, arguments: [title] }) {
      if (!isTestFunction(callee)) return;
      const name = textOf(title);
      const rules = name === undefined ? [] : rulesNamed(name);
      if (name !== undefined && rules.length > 0) found.push({ path, name, rules });
    },
  }).visit(program);
  return found;
}

/** `ARM-65 to ARM-67` is three of them. */
export function rulesNamed(name: string): readonly string[] {
  const ids = new Set<string>();
  for (const [, from = "", to = from] of name.matchAll(/ARM-(\d+)(?: to ARM-(\d+))?/g)) {
    for (let number = Number(from); number <= Number(to); number += 1) {
      ids.add(`ARM-${String(number).padStart(2, "0")}`);
    }
  }
  return [...ids];
}

interface Node {
  readonly type: string;
  readonly name?: unknown;
  readonly value?: unknown;
  readonly object?: Node;
  readonly callee?: Node;
  readonly quasis?: readonly { readonly value: { readonly cooked: string | null } }[];
}

/** `test`, `test.skip`, `test.each(…)` and the same of `describe` and `it`. */
function isTestFunction(callee: Node | undefined): boolean {
  if (callee?.type !== "Identifier") {
    const inner = callee?.object ?? callee?.callee;
    return inner !== undefined && isTestFunction(inner);
  }
  return ["describe", "it", "test"].includes(String(callee.name));
}

function textOf(title: Node | undefined): string | undefined {
  if (title?.type === "Literal" && typeof title.value === "string") return title.value;
  if (title?.type === "TemplateLiteral") {
    return title.quasis?.map(({ value }) => value.cooked ?? "").join("…");
  }
  return undefined;
}

const row = /^\| (ARM-\d+) \|.*\| (.*) \|$/gm;

/** The remarks of a table that was rendered before, by rule: they are written by hand. */
export function notesIn(table: string): ReadonlyMap<string, string> {
  const found = [...table.matchAll(row)].map(([, id = "", note = ""]) => [id, note] as const);
  return new Map(found.filter(([, note]) => note.trim() !== ""));
}

const head = `# ARM's rules and their tests

Which test holds the program to which rule of [arm-contract.md](arm-contract.md). The tests under \`test/arm/\` run over every
api-version that is served, the others over one where it makes no difference. A test belongs here when its name has the rule's id.

The list of tests is made of their names and held against them by \`test/arm/ruleTable.test.ts\`; after a change,
\`npx vitest run test/arm/ruleTable.test.ts -u\` writes it anew. The last column is written by hand and kept.

| Rule | Level | Tests | Remarks |
| --- | --- | --- | --- |
`;

/** The whole page. */
export function renderTable(
  rules: readonly Rule[],
  tests: readonly NamedTest[],
  notes: ReadonlyMap<string, string>,
): string {
  const rows = rules.map(({ id, level }) => {
    const paths = new Map<string, Set<string>>();
    for (const { path, name, rules: named } of tests) {
      if (!named.includes(id)) continue;
      paths.set(path, (paths.get(path) ?? new Set()).add(name));
    }
    const cited = [...paths]
      .toSorted(([one], [other]) => order(one).localeCompare(order(other), "en"))
      .map(([path, names]) => [`\`${path}\``, ...[...names].map(escaped)].join("<br>• "));
    return `| ${id} | ${level} | ${cited.join("<br>")} | ${notes.get(id) ?? ""} |\n`;
  });
  return head + rows.join("");
}

/** Those that are about nothing but the rules come first. */
function order(path: string): string {
  return path.startsWith("test/arm/") ? ` ${path}` : path;
}

function escaped(name: string): string {
  return name.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
