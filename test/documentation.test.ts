/** Links in the documentation lead somewhere, and so do the pages that the sources refer to. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;

function textOf(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

test.each(["README.md", ...globSync("docs/*.md", { cwd: root })])("the links of %s", (page) => {
  const links = [...textOf(page).matchAll(/\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)/g)];
  const broken = links
    .map(([, target = ""]) => target)
    .filter((target) => !existsSync(join(root, dirname(page), target)));
  expect(broken).toEqual([]);
});

test.each(["README.md", ...globSync("docs/*.md", { cwd: root })])(
  "the files that %s names",
  (page) => {
    const named = [
      ...textOf(page).matchAll(/`((?:src|test|spec|docs)\/[\w./-]+\.(?:ts|tsp|md))`/g),
    ];
    const missing = named
      .map(([, path = ""]) => path)
      .filter((path) => !existsSync(join(root, path)));
    expect(missing).toEqual([]);
  },
);

test("pages that sources and tests refer to", () => {
  const paths = globSync("{src,spec,test}/**/*.{ts,tsp}", {
    cwd: root,
    exclude: (path) => path.includes("node_modules"),
  });
  const named = new Set(
    paths.flatMap((path) => [...textOf(path).matchAll(/docs\/[\w-]+\.md/g)].map(([page]) => page)),
  );
  expect(named.size).toBeGreaterThan(0);
  expect([...named].filter((page) => !existsSync(join(root, page)))).toEqual([]);
});
