/**
 * `npm run fuzz`: hostile requests to the real program, over many connections, until as many as one likes were sent. Ends with exit
 * code 1 at the first finding, says how to see it again, and shows the smallest request that shows it.
 */
import fc from "fast-check";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { systemClock } from "../../src/runtime/clock.ts";
import { SqliteDatabase } from "../../src/store/sqliteDatabase.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import { Finding, FuzzClient } from "./fuzzClient.ts";
import { adminRequests, canaryTexts, fuzzRequests, type FuzzRequest } from "./fuzzRequest.ts";

const usage = `npm run fuzz -- [options]
  --requests N      how many to send (default 20000)
  --seed S          (default 1)
  --connections C   how many callers there are, each on a connection of its own (default 8)
  --replay TEXT     sends only this, as a finding shows it
  --help            shows this
`;

/** Requests between two looks at whether the process is well. */
const roundSize = 250;
/** What a process may have at most: the limits of \`README.md\`, twice the program itself. */
const memoryMaxBytes = 700 * 1024 * 1024;

interface Options {
  readonly requests: number;
  readonly seed: number;
  readonly connections: number;
  readonly replay: string | undefined;
  readonly help: boolean;
}

function optionsOf(): Options {
  const { values } = parseArgs({
    options: {
      requests: { type: "string", default: "20000" },
      seed: { type: "string", default: "1" },
      connections: { type: "string", default: "8" },
      replay: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const whole = (name: "requests" | "seed" | "connections"): number => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new TypeError(`--${name} must be a whole number from 1, not ${values[name]}`);
    }
    return value;
  };
  return {
    requests: whole("requests"),
    seed: whole("seed"),
    connections: whole("connections"),
    replay: values.replay,
    help: values.help,
  };
}

/** The program as a process of its own, whose log is looked through as it comes. */
class FuzzedProcess implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "rp-fuzz-"));
  readonly #child: ChildProcess;
  readonly #started = Promise.withResolvers<{ readonly url: string; readonly adminUrl: string }>();
  /** What must not be, as soon as it was. */
  finding: string | undefined;
  memoryMost = 0;
  lines = 0;

  constructor(adminPort: number) {
    this.#child = spawn(
      process.execPath,
      [fileURLToPath(new URL("../../src/main.ts", import.meta.url))],
      {
        env: {
          PATH: process.env["PATH"],
          PORT: "0",
          ADMIN_PORT: String(adminPort),
          DATA_DIR: this.folder,
          LOCAL_INSTALL_SECONDS: "0",
          HEADERS_TIMEOUT_SECONDS: "2",
          REQUEST_TIMEOUT_SECONDS: "3",
          LOG_LEVEL: "debug",
        },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    this.#child.once("exit", (code, signal) => this.#tell(`the process ended: ${code ?? signal}`));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null)
        createInterface({ input: stream }).on("line", (line) => this.#read(line));
    }
  }

  get started(): Promise<{ readonly url: string; readonly adminUrl: string }> {
    return this.#started.promise;
  }

  /** @throws {Finding} */
  check(): void {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    const bytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
    this.memoryMost = Math.max(this.memoryMost, bytes);
    if (bytes > memoryMaxBytes) this.#tell(`the process has ${bytes} bytes of memory`);
    if (this.finding !== undefined) throw new Finding(this.finding);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child.removeAllListeners("exit"), "exit");
      this.#child.kill("SIGTERM");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  #read(line: string): void {
    this.lines += 1;
    const secret = canaryTexts.find((text) => line.includes(text));
    if (secret !== undefined) this.#tell("a secret in the log");
    const record = line.startsWith("{") ? (JSON.parse(line) as Record<string, unknown>) : {};
    const { version, url, adminUrl } = record as Readonly<Record<string, string>>;
    if (version !== undefined && url !== undefined && adminUrl !== undefined) {
      this.#started.resolve({ url, adminUrl });
    }
    if (record["level"] === "error" || record["level"] === 50 || record["level"] === undefined) {
      this.#tell(`an error in the log: ${line.slice(0, 2_000)}`);
    }
  }

  #tell(finding: string): void {
    this.finding ??= finding;
  }
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, "close");
  return port;
}

function guid(caller: number, count: number): string {
  return `00000000-0000-4000-8000-${String(caller).padStart(4, "0")}${String(count).padStart(8, "0")}`;
}

function shown(requests: readonly FuzzRequest[]): string {
  const replay = Buffer.from(JSON.stringify(requests)).toString("base64url");
  const texts = requests.map((request) => `  ${JSON.stringify(request.bytes.slice(0, 4_000))}`);
  return `the requests:\n${texts.join("\n")}\nagain: npm run fuzz -- --replay ${replay}`;
}

interface Caller {
  readonly client: FuzzClient;
  readonly requests: fc.Arbitrary<readonly FuzzRequest[]>;
}

/** @returns what was found, in words; nothing when all was well. */
async function fuzz(options: Options, fuzzed: FuzzedProcess): Promise<string | undefined> {
  const { url, adminUrl } = await fuzzed.started;
  await using database = await SqliteDatabase.open({ path: join(fuzzed.folder, "rp.sqlite") });
  const store = new SqliteStore({ database, clock: systemClock });
  const callers: Caller[] = Array.from({ length: options.connections }, (_, caller) => ({
    client: new FuzzClient({ url, store, subscription: (count) => guid(caller, count) }),
    requests: fuzzRequests,
  }));
  callers.push({
    client: new FuzzClient({ url: adminUrl, subscription: (count) => guid(9_999, count) }),
    requests: adminRequests,
  });
  const begun = performance.now();
  const sent = (): number => callers.reduce((sum, { client }) => sum + client.sent, 0);
  const slowest = (): number => Math.max(...callers.map(({ client }) => client.slowestMs));
  let found: string | undefined;
  let toldAt = begun;

  const run = async ({ client, requests }: Caller, caller: number): Promise<void> => {
    for (let round = 0; found === undefined && sent() < options.requests; round += 1) {
      const seed = (options.seed * 1_000_003 + caller * 10_007 + round) | 0;
      const property = fc.asyncProperty(requests, async (each) => {
        await client.send(each);
        fuzzed.check();
      });
      const details = await fc.check(property, {
        seed,
        numRuns: caller === callers.length - 1 ? roundSize / 5 : roundSize,
        interruptAfterTimeLimit: 600_000,
      });
      if (details.failed) {
        const [counterexample] = details.counterexample ?? [[]];
        const reason = String(details.errorInstance);
        found ??= `${reason}\ncaller ${caller}, round ${round}, seed ${seed}\n${shown(counterexample)}`;
        return;
      }
      await client.checkAlive();
      if (performance.now() - toldAt > 10_000) {
        toldAt = performance.now();
        process.stdout.write(`${sent()} requests, ${Math.round((toldAt - begun) / 1000)} s\n`);
      }
    }
  };

  if (options.replay === undefined) {
    await Promise.all(
      callers.map(async (caller, index) =>
        run(caller, index).catch((error: unknown) => {
          found ??= String(error);
        }),
      ),
    );
  } else {
    const again = Buffer.from(options.replay, "base64url").toString();
    const [first] = callers;
    await first?.client.send(JSON.parse(again) as FuzzRequest[]).catch((error: unknown) => {
      found = String(error);
    });
    process.stdout.write(`statuses: ${[...(first?.client.statuses.keys() ?? [])].join()}\n`);
  }

  const statuses = new Map<number, number>();
  for (const { client } of callers) {
    for (const [status, count] of client.statuses) {
      statuses.set(status, (statuses.get(status) ?? 0) + count);
    }
    client[Symbol.dispose]();
  }
  const counts = [...statuses].toSorted(([one], [other]) => one - other);
  process.stdout.write(
    `${sent()} requests in ${Math.round((performance.now() - begun) / 1000)} s from seed ${options.seed}; ` +
      `answers ${counts.map(([status, count]) => `${status}: ${count}`).join(", ")}; ` +
      `slowest ${Math.round(slowest())} ms; memory at most ${Math.round(fuzzed.memoryMost / 2 ** 20)} MB; ` +
      `${fuzzed.lines} lines of log\n`,
  );
  return found;
}

async function main(): Promise<void> {
  const options = optionsOf();
  if (options.help) {
    process.stdout.write(usage);
    return;
  }
  await using fuzzed = new FuzzedProcess(await freePort());
  const found = await fuzz(options, fuzzed);
  if (found === undefined) return;
  process.stdout.write(`FOUND: ${found}\n`);
  process.exitCode = 1;
}

await main();
