/** The catalogue of error codes, the README's table and the sources agree. */
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { errorCodes } from "../src/model/errorCodes.ts";

const root = new URL("..", import.meta.url).pathname;

test("the README's table of error codes is the catalogue", () => {
  const readme = readFileSync(`${root}/README.md`, "utf8");
  const table = /<!-- error codes -->\n([^]*?)<!-- \/error codes -->/.exec(readme)?.[1];
  const rows = Object.entries(errorCodes).map(
    ([code, { status, meaning }]) => `| \`${code}\` | ${status} | ${meaning} |`,
  );
  expect(table).toBe(["| code | status | when |", "|---|---|---|", ...rows, ""].join("\n"));
});

test("every code is raised somewhere, and in the form ARM asks for", () => {
  const sources = globSync("src/**/*.ts", { cwd: root })
    .filter((path) => path !== "src/model/errorCodes.ts")
    .map((path) => readFileSync(`${root}/${path}`, "utf8"))
    .join("\n");
  for (const [code, { status }] of Object.entries(errorCodes)) {
    expect(sources, code).toContain(`"${code}"`);
    expect(code).toMatch(/^([A-Z][a-z]+)+(ID)?$/);
    expect(status, code).toBeGreaterThanOrEqual(400);
  }
});
