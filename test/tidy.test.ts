/** The house rules hold in `src/`; and each of them can fail. */
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { checkSources } from "./tidy.ts";

test("the sources keep the house rules", () => {
  const root = new URL("..", import.meta.url).pathname;
  const paths = globSync("src/**/*.ts", { cwd: root });
  expect(paths).not.toEqual([]);
  const sources = new Map(paths.map((path) => [path, readFileSync(`${root}/${path}`, "utf8")]));
  expect(checkSources(sources)).toEqual([]);
});

/** A small program without a fault. */
const good: Readonly<Record<string, string>> = {
  "src/main.ts":
    '/** . */ import { readConfig } from "./config.ts"; import "./store/sqliteStore.ts";' +
    ' import "./backend/backend.ts"; import "./frontend/app.ts";' +
    ' import "./runtime/clock.ts"; import "./queue/sqliteQueue.ts"; import "./installers/local/a.ts";' +
    ' import "./installers/azure/b.ts"; import "./forwarder/forwarder.ts";' +
    ' import "./store/cosmosStore.ts"; readConfig();',
  "src/config.ts": "/** . */ export const readConfig = () => process.env;",
  "src/model/cluster.ts": "/** . */ export const a = new Date(0);",
  "src/runtime/clock.ts":
    '/** . */ import type { a } from "../model/cluster.ts"; export const now = () => Date.now();',
  "src/store/store.ts": '/** . */ import type { a } from "../model/cluster.ts";',
  "src/store/sqliteDatabase.ts": '/** . */ import { DatabaseSync } from "node:sqlite";',
  "src/store/sqliteStore.ts":
    '/** . */ import type { now } from "../runtime/clock.ts"; import "./sqliteDatabase.ts";' +
    ' import type {} from "./store.ts";',
  "src/store/cosmosStore.ts": "/** . */",
  "src/queue/queue.ts": '/** . */ import type { a } from "../model/cluster.ts";',
  "src/queue/sqliteQueue.ts": '/** . */ import "./queue.ts"; import "../store/sqliteDatabase.ts";',
  "src/installers/installer.ts": "/** . */",
  "src/installers/local/a.ts": '/** . */ import "../installer.ts";',
  "src/installers/azure/b.ts": "/** . */",
  "src/backend/backend.ts":
    '/** . */ import "../store/store.ts"; import "../queue/queue.ts"; import "../runtime/clock.ts";',
  "src/forwarder/forwarder.ts": '/** . */ import "../queue/queue.ts";',
  "src/frontend/app.ts":
    '/** . */ import "express"; import "../versions/v1/convert.ts";' +
    ' import "../../generated/types/x.ts";',
  "src/versions/v1/convert.ts": '/** . */ import "../../../generated/types/x.ts";',
};

function check(changes: Readonly<Record<string, string>>): string[] {
  return checkSources(new Map(Object.entries({ ...good, ...changes })));
}

/** A file of the good program with more at its end. */
function more(path: string, text: string): Record<string, string> {
  return { [path]: `${good[path] ?? ""}\n${text}` };
}

/** An adapter that calls what has no effect of its own. */
const usesAttempts = more("src/store/cosmosStore.ts", 'import "../runtime/callAttempts.ts";');

test("a program without a fault passes", () => {
  expect(check({})).toEqual([]);
  const attempts = '/** . */ import type { now } from "./clock.ts";';
  expect(check({ "src/runtime/callAttempts.ts": attempts, ...usesAttempts })).toEqual([]);
});

test.each<[string, Readonly<Record<string, string>>, RegExp]>([
  ["no comment", { "src/model/cluster.ts": "export const a = 1;" }, /open with a comment/],
  ["syntax", more("src/model/cluster.ts", "const ;"), /does not parse/],
  ["leftover", more("src/model/cluster.ts", `// ${"TO"}DO later`), /leftover/],
  [
    "drawer",
    { ...more("src/frontend/app.ts", 'import "./utils.ts";'), "src/frontend/utils.ts": "/** . */" },
    /drawer/,
  ],
  ["dead file", { "src/model/dead.ts": "/** . */" }, /dead\.ts: is not reachable/],
  [
    "settings of an engine that know the engine",
    {
      ...more("src/config.ts", 'import "./store/cosmosSettings.ts";'),
      "src/store/cosmosSettings.ts": '/** . */ import "./store.ts";',
    },
    /cosmosSettings\.ts: may not import src\/store\/store/,
  ],
  [
    "a room that knows a program",
    {
      ...more("src/frontend/app.ts", 'import "../reseal.ts";'),
      "src/reseal.ts": "/** . */",
    },
    /app\.ts: may not import src\/reseal/,
  ],
  ["missing file", more("src/frontend/app.ts", 'import "./gone.ts";'), /does not exist/],
  [
    "cycle of types",
    {
      ...more("src/model/cluster.ts", 'import type { b } from "./other.ts";'),
      "src/model/other.ts": '/** . */ import type { a } from "./cluster.ts";',
    },
    /cycle/,
  ],
  [
    "model imports runtime",
    {
      ...more("src/model/cluster.ts", 'import type { now } from "../runtime/ids.ts";'),
      "src/runtime/ids.ts": "/** . */",
    },
    /cluster\.ts: may not import src\/runtime/,
  ],
  ["model imports a package", more("src/model/cluster.ts", 'import "node:fs";'), /imports nothing/],
  ["port imports its adapter", more("src/queue/queue.ts", 'import "./sqliteQueue.ts";'), /may not/],
  [
    "a room that knows the engines",
    {
      ...more("src/frontend/app.ts", 'import type { Engines } from "../engines.ts";'),
      "src/engines.ts": "/** . */",
    },
    /app\.ts: may not import src\/engines/,
  ],
  ["frontend enqueues", more("src/frontend/app.ts", 'import "../queue/queue.ts";'), /may not/],
  [
    "frontend names an adapter",
    more("src/frontend/app.ts", 'import type { S } from "../store/sqliteStore.ts";'),
    /may not import src\/store\/sqliteStore/,
  ],
  [
    "backend knows a version",
    more("src/backend/backend.ts", 'import "../versions/v1/convert.ts";'),
    /may not/,
  ],
  [
    "backend knows the wire",
    more("src/backend/backend.ts", 'import "../../generated/x.ts";'),
    /may not/,
  ],
  [
    "re-export counts",
    more("src/backend/backend.ts", 'export * from "../frontend/app.ts";'),
    /may not/,
  ],
  [
    "dynamic import counts",
    more("src/backend/backend.ts", 'await import("../frontend/app.ts");'),
    /may not/,
  ],
  [
    "versions use a port",
    more("src/versions/v1/convert.ts", 'import "../../store/store.ts";'),
    /may not/,
  ],
  [
    "forwarder installs",
    more("src/forwarder/forwarder.ts", 'import "../installers/installer.ts";'),
    /may not/,
  ],
  [
    "adapter uses an effect",
    more("src/store/cosmosStore.ts", 'import { now } from "../runtime/clock.ts";'),
    /may not/,
  ],
  [
    "what adapters may call has an effect",
    { "src/runtime/callAttempts.ts": "/** . */ export const now = Date.now();", ...usesAttempts },
    /callAttempts\.ts: uses Date\.now/,
  ],
  [
    "what adapters may call takes one from beside it",
    { "src/runtime/callAttempts.ts": '/** . */ import "./clock.ts";', ...usesAttempts },
    /callAttempts\.ts: may not import src\/runtime\/clock/,
  ],
  [
    "adapter uses the other",
    more("src/store/cosmosStore.ts", 'import "./sqliteStore.ts";'),
    /may not/,
  ],
  [
    "installer uses the other",
    more("src/installers/azure/b.ts", 'import "../local/a.ts";'),
    /may not/,
  ],
  [
    "adapter uses another port",
    more("src/installers/local/a.ts", 'import "../../store/store.ts";'),
    /may not/,
  ],
  [
    "adapter reads settings",
    more("src/store/cosmosStore.ts", 'import type { C } from "../config.ts";'),
    /may not/,
  ],
  [
    "main is imported",
    more("src/frontend/app.ts", 'import type { M } from "../main.ts";'),
    /may not/,
  ],
  [
    "sqlite in a handler",
    more("src/frontend/app.ts", 'import { DatabaseSync } from "node:sqlite";'),
    /belongs to/,
  ],
  ["environment", more("src/frontend/app.ts", 'process.env["HOST"];'), /reads process\.env/],
  ["environment, computed", more("src/frontend/app.ts", 'process["env"];'), /reads process\.env/],
  [
    "environment, imported",
    more("src/frontend/app.ts", 'import { env } from "node:process";'),
    /reads process\.env/,
  ],
  ["Date.now", more("src/frontend/app.ts", "Date.now();"), /uses Date\.now/],
  ["new Date()", more("src/frontend/app.ts", "new Date();"), /uses new Date\(\)/],
  ["Date()", more("src/frontend/app.ts", "Date();"), /uses Date\(\)/],
  ["Math.random", more("src/frontend/app.ts", "Math.random();"), /uses Math\.random/],
  ["performance.now", more("src/frontend/app.ts", "performance.now();"), /uses performance\.now/],
  ["randomUUID", more("src/frontend/app.ts", "crypto.randomUUID();"), /uses crypto\.randomUUID/],
  [
    "randomUUID, imported",
    more("src/frontend/app.ts", 'import { randomUUID } from "node:crypto";'),
    /uses randomUUID/,
  ],
  [
    "timer in the core",
    more("src/backend/backend.ts", "setTimeout(() => {}, 1);"),
    /uses setTimeout/,
  ],
  [
    "AbortSignal.timeout in the core",
    more("src/backend/backend.ts", "AbortSignal.timeout(1);"),
    /uses AbortSignal/,
  ],
])("refused: %s", (_name, changes, expected) => {
  expect(check(changes).join("\n")).toMatch(expected);
});
