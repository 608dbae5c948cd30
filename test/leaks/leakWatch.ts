/**
 * Watches the whole test run for secrets that tests plant: everything that the program answers, logs or stores passes by here,
 * and a secret in it fails the test that is running (`setup.ts`). It must never stop what it watches.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import type { Log, LogFields } from "../../src/runtime/log.ts";
import { layeredPort } from "../../src/runtime/portLayer.ts";
import { formsIn, formsOf } from "./secretForms.ts";

const plantedForms = new Map<string, ReadonlyMap<string, string>>();
const found: string[] = [];

/** From now on this value is a secret, wherever it turns up. Long enough to turn up nowhere by chance. */
export function planted(secret: string): string {
  if (secret.length < 12) throw new TypeError("too short to be told from other texts");
  if (!plantedForms.has(secret)) plantedForms.set(secret, formsOf(secret));
  return secret;
}

/** Looks at what has got out, and notes what it finds. */
export function watch(place: string, text: string | Uint8Array): void {
  for (const [secret, forms] of plantedForms) {
    for (const form of formsIn(text, forms)) {
      found.push(`${place} has a planted secret (${secret.slice(0, 6)}…, ${form})`);
    }
  }
}

/** What was found since the last time. */
export function takeLeaks(): readonly string[] {
  return found.splice(0);
}

/** A log that is watched at all levels, whatever becomes of its records. */
export function watchedLog(log: Log): Log {
  const watched =
    (say: Log["error"]): Log["error"] =>
    (fields, message) => {
      watchRecord(fields, message);
      say(fields, message);
    };
  return {
    debug: watched((fields, message) => log.debug(fields, message)),
    info: watched((fields, message) => log.info(fields, message)),
    warn: watched((fields, message) => log.warn(fields, message)),
    error: watched((fields, message) => log.error(fields, message)),
    audit: watched((fields, message) => log.audit(fields, message)),
    child: (fields) => {
      watchRecord(fields, "");
      return watchedLog(log.child(fields));
    },
  };
}

/** A port whose errors are watched: their texts get into logs and answers of others. */
export function watchedErrors<P extends object>(port: P): P {
  return layeredPort(port, async ({ run }) => {
    try {
      return await run();
    } catch (error) {
      watch("an error's text", inspect(error, { depth: 8, maxStringLength: null }));
      throw error;
    }
  });
}

/** Errors with stack, causes and members. */
function watchRecord(fields: LogFields, message: string): void {
  watch("a log record", `${message} ${inspect(fields, { depth: 8, maxStringLength: null })}`);
}

/** Looks at the files of the embedded database in a folder, if it has one there. */
export function watchDatabase(folder: string): void {
  for (const name of ["rp.sqlite", "rp.sqlite-wal", "rp.sqlite-shm"]) {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(join(folder, name));
    } catch {
      // there is none, or the test has made it one that nobody can read
      continue;
    }
    watch(name, bytes);
  }
}

const readers = ["text", "json", "arrayBuffer", "bytes"] as const;

/** The platform's `fetch`, with every body watched that somebody reads. */
export function watchedFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (...given) => {
    const response = await fetch(...given);
    watch("an answer's headers", JSON.stringify([...response.headers]));
    const read = response.arrayBuffer.bind(response);
    const bytes = async (): Promise<Buffer> => {
      const body = Buffer.from(await read());
      watch("an answer", body);
      return body;
    };
    const watched: Record<(typeof readers)[number], () => Promise<unknown>> = {
      text: async () => new TextDecoder().decode(await bytes()),
      json: async () => JSON.parse(new TextDecoder().decode(await bytes())) as unknown,
      arrayBuffer: async () => new Uint8Array(await bytes()).buffer,
      bytes: async () => new Uint8Array(await bytes()),
    };
    return Object.assign(response, watched);
  };
}
