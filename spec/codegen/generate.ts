/**
 * Makes everything under generated/ from the contract: `npm run generate`. It runs the TypeSpec emitters into a folder
 * beside it, derives from their documents what they don't make, and only then brings generated/ into line, so that a
 * program that runs meanwhile never misses a file. The output depends on the contract and the pinned tools alone; nothing
 * here may reach for the network, the clock or another random source.
 */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { bundled, commonTypes, withCommonTypes } from "./commonTypes.ts";
import type { OpenApi, Swagger } from "./document.ts";
import { withoutListDefaults } from "./listDefaults.ts";
import { normalise } from "./normalise.ts";
import { operationIdsModule, operationIdsOf, withOperationIdsOf } from "./operationIds.ts";
import { typesModule } from "./types.ts";
import { visibilityTable } from "./visibility.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const generated = join(root, "generated");
/** Where everything is made before it takes the place of what was there. */
const staging = join(root, "tsp-output", "generated");

function read<T>(path: string): T {
  return JSON.parse(readFileSync(join(staging, path), "utf8")) as T;
}

function write(path: string, text: string): void {
  const file = join(staging, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function writeJson(path: string, value: unknown): void {
  write(path, `${JSON.stringify(value, null, 2)}\n`);
}

function writeModule(path: string, text: string): void {
  write(path, `// Generated from spec/ by \`npm run generate\`. Do not edit.\n${text}`);
}

/** The emitter's way to say that an object has no other members is one that validators have no words for. */
function withClosedObjects(document: OpenApi): OpenApi {
  const text = JSON.stringify(document);
  return JSON.parse(
    text.replaceAll('"additionalProperties":{"not":{}}', '"additionalProperties":false'),
  );
}

function emit(): void {
  const folders = {
    "@azure-tools/typespec-autorest.emitter-output-dir": "swagger",
    "@azure-tools/typespec-autorest.arm-types-dir": "swagger/common-types/resource-management",
    "@typespec/openapi3.emitter-output-dir": "openapi3",
  };
  compile("spec", folders);
  compile("spec/arm", { "@typespec/openapi3.emitter-output-dir": "arm" });
  compile("spec/admin", { "@typespec/openapi3.emitter-output-dir": "admin" });
}

/** @param folders options that name a folder of the staging area. */
function compile(project: string, folders: Readonly<Record<string, string>>): void {
  const compiler = join(root, "node_modules/@typespec/compiler/cmd/tsp.js");
  const options = Object.entries(folders).map(
    ([option, folder]) => `--option=${option}=${join(staging, folder)}`,
  );
  const { status } = spawnSync(process.execPath, [compiler, "compile", project, ...options], {
    cwd: root,
    stdio: "inherit",
  });
  if (status === 0) return;
  // a stack would hide what the compiler has said
  process.stderr.write(`The contract in ${project} does not compile.\n`);
  for (const version of versionsWithoutExamples()) {
    process.stderr.write(
      `The api-version ${version} has no examples: make the folder spec/examples/${version}/, with a ` +
        "file for each operation; that of its neighbour is a good beginning.\n",
    );
  }
  process.exit(1);
}

/** The compiler emits nothing for these, and says no more than that it could not read a folder. */
function versionsWithoutExamples(): readonly string[] {
  const contract = readFileSync(join(root, "spec/main.tsp"), "utf8");
  const versions = contract.matchAll(/^\s*\w+: "(\d{4}-\d{2}-\d{2}(?:-\w+)?)",$/gm);
  return [...versions]
    .map(([, version = ""]) => version)
    .filter((version) => !existsSync(join(root, "spec/examples", version)));
}

/** The versions and where the Swagger of each is, oldest first. */
function emittedVersions(): ReadonlyMap<string, string> {
  const paths = globSync("swagger/*/*/openshift.json", { cwd: staging }).toSorted();
  const versions = paths.map((path) => [path.split("/")[2] ?? "", path] as const);
  return new Map(versions.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Everything of one version that the emitters don't make, except the common types, which versions share. */
async function deriveVersion(version: string, swagger: Swagger, common: Swagger): Promise<void> {
  const emitted = read<OpenApi>(`openapi3/3.0.0/${version}.json`);
  const runtime = normalise(withOperationIdsOf(swagger, emitted));
  writeJson(`runtime/${version}/openapi.json`, runtime);
  writeJson(`runtime/${version}/visibility.json`, visibilityTable(bundled(swagger, common)));

  const typed = withOperationIdsOf(swagger, read<OpenApi>(`openapi3/3.1.0/${version}.json`));
  writeModule(`types/${version}.ts`, await typesModule(typed));
}

/** Files of a folder, by their paths in it. */
function filesOf(folder: string): readonly string[] {
  return globSync("**/*", { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/** Writes what differs, then takes away what is no longer made. */
function replaceGenerated(): void {
  const made = filesOf(staging);
  for (const path of made) {
    const text = readFileSync(join(staging, path), "utf8");
    const file = join(generated, path);
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    mkdirSync(dirname(file), { recursive: true });
    renameSync(join(staging, path), file);
  }
  const kept = new Set(made);
  for (const path of filesOf(generated)) if (!kept.has(path)) rmSync(join(generated, path));
  rmSync(staging, { recursive: true });
}

rmSync(staging, { recursive: true, force: true });
emit();
const operationIds = new Map<string, readonly string[]>();
let common: ReadonlyMap<string, Swagger> = new Map();
for (const [version, path] of emittedVersions()) {
  const swagger = read<Swagger>(path);
  const own = commonTypes(swagger, read<OpenApi>(`openapi3/3.0.0/${version}.json`));
  common = withCommonTypes(common, own);
  await deriveVersion(version, swagger, own);
  writeJson(path, withoutListDefaults(swagger));
  operationIds.set(version, operationIdsOf(swagger));
}
for (const [version, types] of common) {
  writeJson(`swagger/common-types/resource-management/${version}/types.json`, types);
}
writeJson("admin/openapi.json", withClosedObjects(read<OpenApi>("admin/openapi.json")));
const own = {
  arm: operationIdsOf(read<OpenApi>("arm/openapi.json")),
  admin: operationIdsOf(read<OpenApi>("admin/openapi.json")),
};
writeModule("types/operationIds.ts", operationIdsModule(operationIds, own));
const tableTypes = readFileSync(new URL("visibilityTable.ts", import.meta.url), "utf8");
writeModule("types/visibility.ts", tableTypes);
replaceGenerated();
