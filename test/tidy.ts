/**
 * The house rules that no linter knows, as a function over sources: the import table of the architecture, no import
 * cycle, no dead file, effects only in `runtime/`, a purpose at the head of each file. It reads no file itself, so that
 * a test can feed it bad ones.
 */
import { posix } from "node:path";
import { parseSync, Visitor } from "oxc-parser";

/** Path from the root of the repository, such as `src/main.ts`, to its text. */
export type Sources = ReadonlyMap<string, string>;

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly names: readonly string[];
}

interface SourceFile {
  readonly path: string;
  readonly room: string;
  readonly imports: readonly Import[];
}

const ports: Readonly<Record<string, string>> = {
  "src/store/store.ts": "port:store",
  "src/queue/queue.ts": "port:queue",
  "src/installers/installer.ts": "port:installer",
};
const sharedBySqliteAdapters = ["src/store/sqliteDatabase.ts", "src/store/sqliteFailure.ts"];
/**
 * Of `runtime/` what has no effect of its own, only those of the clock and the chance that it is handed: adapters may call it,
 * while they may know no more than the types of the rest, so that none of them can take up an effect behind `main.ts`'s back.
 */
const withoutEffects = [
  "src/runtime/callAttempts.ts",
  "src/runtime/deadlineSignal.ts",
  "src/runtime/inSpan.ts",
  "src/runtime/portLayer.ts",
];
/** Pure checks of settings that go together: the rest of the settings may call them. */
const engineSettings = [
  "src/accountSettings.ts",
  "src/settingForms.ts",
  "src/store/cosmosSettings.ts",
  "src/installers/azure/azureInstallerSettings.ts",
  "src/installers/local/localInstallerSettings.ts",
  "src/queue/storageQueueSettings.ts",
  "src/listener/authenticationSettings.ts",
  "src/store/sealingSettings.ts",
  "src/runtime/traceSettings.ts",
];
/**
 * What each room may import besides its own files. `types:` allows types alone. `main` and `reseal`, which compose programs,
 * and the parts of that may import everything and are not listed; the adapters' rooms have a rule about each other below.
 */
const allowedImports: Readonly<Record<string, readonly string[]>> = {
  config: ["model", "settings"],
  settings: [],
  model: [],
  runtime: ["model", "settings"],
  "port:store": ["model"],
  "port:queue": ["model"],
  "port:installer": ["model"],
  versions: ["model", "generated"],
  listener: ["model", "port:store", "runtime", "settings"],
  frontend: ["model", "port:store", "versions", "runtime", "generated", "listener"],
  forwarder: ["model", "port:store", "port:queue", "runtime"],
  backend: ["model", "port:store", "port:queue", "port:installer", "runtime"],
  admin: ["model", "port:store", "runtime", "generated", "listener"],
  store: ["port:store", "model", "types:runtime", "settings"],
  queue: ["port:queue", "model", "types:runtime", "settings"],
  installers: ["port:installer", "model", "types:runtime", "settings"],
};

/** What puts the program together: nobody else may know it. */
const compositionRooms = [
  "main",
  "reseal",
  "engines",
  "roles",
  "azureInstallation",
  "tracing",
  "startFault",
  "config",
];
/** Where programs begin. */
const roots = ["src/main.ts", "src/reseal.ts"];

/** Packages that belong to some rooms alone; `main` may not have them either. */
const packageOwners: Readonly<Record<string, readonly string[]>> = {
  "node:sqlite": ["store", "queue"],
  "prom-client": ["runtime"],
  "@azure/cosmos": ["store"],
  "@azure/core-rest-pipeline": ["store", "installers"],
  "@azure/identity": ["store", "queue", "installers"],
  "@azure/keyvault-secrets": ["store"],
  "@azure/storage-queue": ["queue"],
  "@azure/arm-authorization": ["installers"],
  "@azure/arm-compute": ["installers"],
  "@azure/arm-dns": ["installers"],
  "@azure/arm-msi": ["installers"],
  "@azure/arm-network": ["installers"],
  "@azure/arm-privatedns": ["installers"],
  "@azure/arm-resources": ["installers"],
  "@azure/arm-resourcesdeployments": ["installers"],
  "@azure/arm-storage": ["installers"],
  "@azure/core-auth": ["installers"],
  "@azure/storage-blob": ["installers"],
  "@kubernetes/client-node": ["installers"],
  express: ["frontend", "admin", "listener"],
  "openapi-backend": ["frontend", "admin", "listener"],
  "@opentelemetry/api": ["runtime"],
  "@opentelemetry/core": ["runtime"],
  "@opentelemetry/otlp-transformer": ["runtime"],
  "@opentelemetry/resources": ["runtime"],
  "@opentelemetry/sdk-trace": ["runtime"],
  pino: ["runtime"],
  "pino-pretty": ["runtime"],
};

/** Rooms that must run under a simulated clock: not even a timer of the system. */
const simulatedRooms = ["model", "versions", "forwarder", "backend"];
const systemTimers = ["setTimeout", "setInterval", "setImmediate"];

/** Functions of chance that only `runtime/` may call, whatever object they hang on. */
const chanceFunctions = ["randomUUID", "randomBytes", "randomInt", "getRandomValues"];

const drawerName = /^(utils?|helpers?|common|shared|misc|types|index|.*manager)\.ts$/i;
const leftover = /\b(TODO|FIXME|HACK)\b/;

/** Every breach of the rules, one sentence each that begins with the path of the file. */
export function checkSources(sources: Sources): string[] {
  const faults: string[] = [];
  const files: SourceFile[] = [];
  for (const [path, text] of sources) files.push(checkFile(path, text, faults));
  for (const file of files) checkImports(file, sources, faults);
  checkCycles(files, faults);
  checkReachable(files, faults);
  return faults;
}

function roomOf(path: string): string {
  const port = ports[path];
  if (port !== undefined) return port;
  if (engineSettings.includes(path)) return "settings";
  const [top, second, third] = path.split("/");
  if (top !== "src") return top ?? "";
  if (third === undefined) return (second ?? "").replace(/\.ts$/, "");
  return second ?? "";
}

function checkFile(path: string, text: string, faults: string[]): SourceFile {
  const parsed = parseSync(path, text);
  for (const error of parsed.errors) faults.push(`${path}: does not parse: ${error.message}`);
  if (parsed.comments[0]?.start !== 0) {
    faults.push(`${path}: must open with a comment that says what the file is for`);
  }
  if (drawerName.test(posix.basename(path))) {
    faults.push(`${path}: is named like a drawer; name it for what it exports`);
  }
  const marker = leftover.exec(text);
  if (marker !== null) faults.push(`${path}: has a leftover ${marker[0]}`);

  const imports = readImports(parsed);
  const room = roomOf(path);
  checkEffects({ path, room, imports }, parsed, faults);
  return { path, room, imports };
}

function readImports(parsed: ReturnType<typeof parseSync>): Import[] {
  const imports: Import[] = [];
  for (const { moduleRequest, entries } of parsed.module.staticImports) {
    imports.push({
      specifier: moduleRequest.value,
      typeOnly: entries.length > 0 && entries.every((entry) => entry.isType),
      names: entries.map((entry) => entry.importName.name ?? "*"),
    });
  }
  for (const { entries } of parsed.module.staticExports) {
    for (const { moduleRequest, isType } of entries) {
      if (moduleRequest === null) continue;
      imports.push({ specifier: moduleRequest.value, typeOnly: isType, names: [] });
    }
  }
  new Visitor({
    ImportExpression: ({ source }) => {
      const specifier = source.type === "Literal" && typeof source.value === "string";
      imports.push({
        specifier: specifier ? String(source.value) : "(computed)",
        typeOnly: false,
        names: ["*"],
      });
    },
  }).visit(parsed.program);
  return imports;
}

/** Time, chance and the environment come in as arguments. */
function checkEffects(
  { path, room, imports }: SourceFile,
  parsed: ReturnType<typeof parseSync>,
  faults: string[],
): void {
  const readsEnvironment = (): void => {
    if (room !== "config") faults.push(`${path}: reads process.env; only src/config.ts may`);
  };
  const callsEffect = (what: string): void => {
    if (withoutEffects.includes(path)) faults.push(`${path}: uses ${what}; it takes a Clock`);
    else if (room !== "runtime") faults.push(`${path}: uses ${what}; only src/runtime/ may`);
  };
  const usesTimer = (what: string): void => {
    if (simulatedRooms.includes(room)) {
      faults.push(`${path}: uses ${what}; take a Clock, so that it runs under a simulated one`);
    }
  };
  for (const { specifier, names, typeOnly } of imports) {
    if (typeOnly) continue;
    for (const name of names) {
      if (specifier === "node:process" && (name === "env" || name === "*")) readsEnvironment();
      if (chanceFunctions.includes(name)) callsEffect(name);
      if (specifier === "node:perf_hooks") callsEffect("performance.now");
    }
    if (specifier.startsWith("node:timers")) usesTimer(specifier);
  }
  new Visitor({
    MemberExpression: ({ object, property, computed }) => {
      if (object.type !== "Identifier") return;
      const name =
        !computed && property.type === "Identifier"
          ? property.name
          : property.type === "Literal"
            ? String(property.value)
            : "";
      const whole = `${object.name}.${name}`;
      if (whole === "process.env") readsEnvironment();
      if (["Date.now", "Math.random", "performance.now"].includes(whole)) callsEffect(whole);
      if (/crypto$/i.test(object.name) && chanceFunctions.includes(name)) callsEffect(whole);
      if (whole === "AbortSignal.timeout") usesTimer(whole);
    },
    NewExpression: ({ callee, arguments: given }) => {
      if (callee.type !== "Identifier" || callee.name !== "Date") return;
      if (given.length === 0) callsEffect("new Date()");
    },
    CallExpression: ({ callee }) => {
      if (callee.type !== "Identifier") return;
      if (callee.name === "Date") callsEffect("Date()");
      if (systemTimers.includes(callee.name)) usesTimer(callee.name);
    },
  }).visit(parsed.program);
}

/** The path that a relative specifier means, or nothing for a package. */
function target(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return posix.normalize(posix.join(posix.dirname(from), specifier));
}

/** `@scope/name/deep` and `name/deep` without what follows the name. */
function packageName(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

function checkImports(file: SourceFile, sources: Sources, faults: string[]): void {
  const { path, room } = file;
  for (const { specifier, typeOnly } of file.imports) {
    const to = target(path, specifier);
    if (to === undefined) {
      const owners = packageOwners[packageName(specifier)];
      if (owners !== undefined && !owners.includes(room) && !typeOnly) {
        faults.push(`${path}: imports ${specifier}, which belongs to ${owners.join(" and ")}`);
      }
      if (room === "model") faults.push(`${path}: imports ${specifier}; the model imports nothing`);
      continue;
    }
    if (to.startsWith("src/") && !sources.has(to)) {
      faults.push(`${path}: imports ${to}, which does not exist`);
      continue;
    }
    if (compositionRooms.includes(room)) continue;
    if (!mayImport(file, to, typeOnly)) faults.push(`${path}: may not import ${to}`);
  }
}

function mayImport(from: SourceFile, to: string, typeOnly: boolean): boolean {
  const toRoom = roomOf(to);
  if (compositionRooms.includes(toRoom)) return false;
  if (withoutEffects.includes(from.path) && !typeOnly) return withoutEffects.includes(to);
  if (from.room === toRoom) return !isAnotherAdapter(from.path, to);
  if (sharedBySqliteAdapters.includes(to) && from.path.startsWith("src/queue/sqlite")) return true;
  const allowed = allowedImports[from.room];
  if (allowed === undefined) return false;
  if (withoutEffects.includes(to) && allowed.includes("types:runtime")) return true;
  return allowed.includes(toRoom) || (typeOnly && allowed.includes(`types:${toRoom}`));
}

/** Files of one adapter's room that belong to different adapters: two engines, or two installers. */
function isAnotherAdapter(from: string, to: string): boolean {
  const adapter = (path: string): string | undefined =>
    /^src\/installers\/([^/]+)\//.exec(path)?.[1] ??
    /^src\/(?:store|queue)\/([^/]+(?:Store|Queue))\.ts$/.exec(path)?.[1];
  const [one, other] = [adapter(from), adapter(to)];
  return one !== undefined && other !== undefined && one !== other;
}

function edges(files: readonly SourceFile[]): Map<string, readonly string[]> {
  const known = new Set(files.map((file) => file.path));
  return new Map(
    files.map(({ path, imports }) => [
      path,
      imports.flatMap(({ specifier }) => {
        const to = target(path, specifier);
        return to !== undefined && known.has(to) ? [to] : [];
      }),
    ]),
  );
}

/** Types count. */
function checkCycles(files: readonly SourceFile[], faults: string[]): void {
  const graph = edges(files);
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    const start = way.indexOf(path);
    if (start >= 0) {
      faults.push(`${path}: is in an import cycle: ${[...way.slice(start), path].join(" → ")}`);
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...way, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
}

function checkReachable(files: readonly SourceFile[], faults: string[]): void {
  const graph = edges(files);
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const next of graph.get(path) ?? []) visit(next);
  };
  for (const root of roots) visit(root);
  for (const { path } of files) {
    if (!seen.has(path)) faults.push(`${path}: is not reachable from ${roots.join(" or ")}`);
  }
}
