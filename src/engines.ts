/**
 * Opens the engines that the settings choose — store and queue embedded in one file, or both on Azure — and says how they are to be
 * asked. Beside `main.ts` it is the only file that names an adapter. It must never mix the two, nor load the libraries of what was
 * not chosen.
 */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { AzureEngines, Config } from "./config.ts";
import type { Queue } from "./queue/queue.ts";
import { SqliteQueue } from "./queue/sqliteQueue.ts";
import { StorageQueue } from "./queue/storageQueue.ts";
import {
  openStorageQueue,
  queueName,
  StorageQueueOpenError,
} from "./queue/storageQueueConnection.ts";
import { systemClock } from "./runtime/clock.ts";
import { deadlineSignal } from "./runtime/deadlineSignal.ts";
import { systemIds, systemRandom } from "./runtime/ids.ts";
import type { Log } from "./runtime/log.ts";
import { meteredPort } from "./runtime/meteredPort.ts";
import type { Metrics } from "./runtime/metrics.ts";
import type { PollFigures } from "./runtime/pollPace.ts";
import { CosmosOpenError, openCosmos } from "./store/cosmosConnection.ts";
import { CosmosStore } from "./store/cosmosStore.ts";
import { SqliteDatabase } from "./store/sqliteDatabase.ts";
import { SqliteOpenError } from "./store/sqliteFailure.ts";
import { embeddedKeySource } from "./store/embeddedKey.ts";
import { KeyFileError, keyFileSource } from "./store/keyFile.ts";
import { KeyVaultError, keyVaultSource } from "./store/keyVault.ts";
import { KeyRing, type KeyRingOptions, type KeySource } from "./store/keyRing.ts";
import { isAnythingOpened, missingKeys } from "./store/missingKeys.ts";
import { SealedStore } from "./store/sealedStore.ts";
import type { SealingSettings } from "./store/sealingSettings.ts";
import { SqliteStore } from "./store/sqliteStore.ts";
import { StoreUnavailableError, type OnUnreadable, type Store } from "./store/store.ts";

/** Open engines; disposing of them closes what there is to close. */
export interface Engines extends AsyncDisposable {
  /** For the log. */
  readonly name: string;
  /** What each is called in traces. */
  readonly systems: { readonly store: string; readonly queue: string; readonly queueName: string };
  /** Seals what it is given. */
  readonly store: Store;
  /** The keys that it seals by. */
  readonly keys: KeyRing;
  /** @throws {TypeError} in a process whose roles have no business with it. */
  readonly queue: Queue;
  /** How often they are asked without a nudge; between processes this is the delay. */
  readonly polling: PollFigures;
  /**
   * Looks at least once.
   *
   * @returns why nothing can be read or written any more, as soon as that is so; `undefined` when `stop` is aborted before.
   */
  untilLost(stop: AbortSignal): Promise<Error | undefined>;
}

/** What engines tell, and how long they may take to open. */
interface EngineSurroundings {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly stop: AbortSignal;
  /** Whether a database and a key are made where there are none. */
  readonly makes?: boolean;
}

/** Asking a file costs nothing. */
const embeddedPolling: PollFigures = { intervalMs: 500 };
/** Each question is paid for: while there is nothing to do, an operation begins so much later. */
function azurePolling({ heartbeatMs }: Config): PollFigures {
  // a forwarder that rests for longer than that would lose its lease
  return { intervalMs: 500, idleIntervalMs: Math.min(5_000, heartbeatMs) };
}

/** How long an engine on Azure may take to open: token, name and connection. */
const openLimitMs = 30_000;
/** Before it is tried again; it doubles. */
const openPauseMs = 250;

/** An engine on Azure did not answer in time. */
export class EnginesOpenError extends Error {
  override readonly name = "EnginesOpenError";
}

/**
 * @throws {SqliteOpenError}, {CosmosOpenError}, {StorageQueueOpenError}, {KeyFileError}, {KeyVaultError} or {EnginesOpenError}: a sentence for whoever runs the
 *   program.
 * @throws the reason of `stop` when it is aborted before the engines on Azure are open.
 */
export async function openEngines(
  config: Config,
  { log, metrics, stop, makes = true }: EngineSurroundings,
): Promise<Engines> {
  const onUnreadable: OnUnreadable = ({ partition, id }, error, logIds) =>
    log.error(
      { ...logIds, partition, documentId: id, error },
      "a stored document is damaged; it is passed over",
    );
  return config.azure === undefined
    ? openEmbedded(config, { log, metrics, stop, makes, onUnreadable })
    : openAzure(config.azure, { config, log, metrics, stop, makes, onUnreadable });
}

function meteredStore(store: Store, { storeCalled }: Metrics): Store {
  return meteredPort(store, { clock: systemClock, onCall: storeCalled });
}

function meteredQueue(queue: Queue, { queueCalled }: Metrics): Queue {
  return meteredPort(queue, { clock: systemClock, onCall: queueCalled });
}

async function openEmbedded(
  { dataDir, sealing }: Config,
  options: EngineSurroundings & { readonly onUnreadable: OnUnreadable },
): Promise<Engines> {
  const { log, metrics, stop, makes = true, onUnreadable } = options;
  const path = join(dataDir, "rp.sqlite");
  const keyPath = join(dataDir, "rp.key");
  const ownKey = sealing === undefined ? keyPath : undefined;
  if (!makes) await checkDatabaseIsThere(path);
  // before there is a database: other processes may be making both
  const hadKey = ownKey !== undefined && existsSync(ownKey);
  const database = await SqliteDatabase.open({ path });
  // whoever expected clusters in it learns at once that there are none
  if (database.isNew && hadKey) {
    log.warn(
      { path },
      "a new database was made beside the key of a former one: if there should be clusters, stop, and restore a backup",
    );
  } else if (database.isNew) log.info({ path }, "a new database was made");
  const store = new SqliteStore({ database, clock: systemClock, onUnreadable });
  let keys: KeyRing;
  try {
    const source =
      sealing === undefined
        ? await ownKeySource(keyPath, store, { log, makes })
        : await keySource(sealing);
    keys = await openKeys(source, { log, metrics, stop });
    // who makes nothing is on an errand, and tells by itself what it has to leave
    const missing = makes
      ? await tellMissingKeys(store, keys, log).catch(ifDatabaseTells)
      : new Map<string, number>();
    if (ownKey !== undefined && missing.size > 0 && !(await isAnythingOpened(store, keys))) {
      const names = [...missing.keys()].map((name) => JSON.stringify(name)).join(", ");
      throw new KeyFileError(
        `the key file ${ownKey} is not that of this database: it has none of the keys that secrets in it were sealed by ` +
          `(${names}). Put the right file back from your backup. Without it nobody can open them.`,
      );
    }
  } catch (error) {
    await database.close();
    throw error;
  }
  return {
    name: "embedded",
    systems: { store: "sqlite", queue: "sqlite", queueName: "messages" },
    store: new SealedStore({ store: meteredStore(store, metrics), keys, random: systemRandom }),
    keys,
    queue: meteredQueue(new SqliteQueue({ database, clock: systemClock }), metrics),
    polling: embeddedPolling,
    untilLost: async (stop) => database.untilLost(systemClock, stop),
    [Symbol.asyncDispose]: async () => database.close(),
  };
}

/** A database that can't be read says by itself, and better, what is wrong with it. */
function ifDatabaseTells(error: unknown): ReadonlyMap<string, number> {
  if (error instanceof StoreUnavailableError) return new Map();
  throw error;
}

/** Nothing that is not empty. */
async function checkDatabaseIsThere(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && found.size > 0) return;
  throw new SqliteOpenError(
    `there is no database ${path}, and this program makes none: see DATA_DIR`,
  );
}

/** @returns the keys that are missing, as far as one look tells. */
async function tellMissingKeys(
  store: Store,
  keys: KeyRing,
  log: Log,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const missing = await missingKeys(store, keys, signal === undefined ? {} : { signal });
  for (const [keyId, documents] of missing) {
    log.error(
      { keyId, documents },
      `the key ${JSON.stringify(keyId)} is missing: ${documents} documents or more are sealed by it and can't be opened`,
    );
  }
  return missing;
}

async function ownKeySource(
  path: string,
  store: Store,
  { log, makes }: { readonly log: Log; readonly makes: boolean },
): Promise<KeySource> {
  const { source, isNew } = await embeddedKeySource({
    path,
    store,
    ids: systemIds,
    random: systemRandom,
    makes,
  });
  if (isNew)
    log.info({ path }, "a new key was made; a backup of the database is nothing without it");
  return source;
}

async function keySource(sealing: SealingSettings): Promise<KeySource> {
  return "keyFile" in sealing
    ? keyFileSource(sealing.keyFile, { groupMayRead: true })
    : keyVaultSource(sealing);
}

async function openKeys(
  source: KeySource,
  { log, metrics, stop }: Pick<EngineSurroundings, "log" | "metrics" | "stop">,
): Promise<KeyRing> {
  const options: KeyRingOptions = {
    source,
    clock: systemClock,
    onReloadFailed: (error) => {
      metrics.sealingKeysNotRead();
      log.error({ error }, "the keys could not be read again; those that were known stay in use");
    },
    onChanged: ({ keyId, count }) =>
      log.info({ keyId, keys: count }, `the key ${JSON.stringify(keyId)} seals, ${count} open`),
  };
  const keys = await openedInTime("Azure Key Vault", stop, async (signal) =>
    KeyRing.open(options, signal),
  );
  metrics.sealingKeys(() => keys.ageMs);
  void keys.watch(systemClock, stop);
  return keys;
}

async function openAzure(
  { cosmos, storageQueue }: AzureEngines,
  options: EngineSurroundings & { readonly config: Config; readonly onUnreadable: OnUnreadable },
): Promise<Engines> {
  const { config, log, metrics, stop, makes = true, onUnreadable } = options;
  if (config.sealing === undefined) throw new TypeError("the Azure engines have no key");
  const keys = await openKeys(await keySource(config.sealing), { log, metrics, stop });
  // a frontend has no business with the queue, and its identity no right to it
  const needsQueue = config.roles.some((role) => role !== "frontend");
  const [documents, messages] = await bothOrNeither(
    openedInTime("Cosmos DB", stop, async (signal) => openCosmos(cosmos, { signal })),
    needsQueue
      ? openedInTime("Azure Storage Queue", stop, async (signal) =>
          openStorageQueue(storageQueue, { signal }),
        )
      : Promise.resolve(undefined),
  );
  const store = new CosmosStore({
    connection: documents,
    clock: systemClock,
    ids: systemIds,
    random: systemRandom,
    onUnreadable,
    onCharge: (charge, logIds) => {
      metrics.charged(charge);
      log.debug({ ...logIds, ...charge }, "Cosmos DB was asked");
    },
    onRetry: (reason) => metrics.retried({ service: "cosmos", reason }),
  });
  // nobody waits for that: it is as good a moment later
  if (makes) {
    tellMissingKeys(store, keys, log, stop).catch((error: unknown) => {
      if (!stop.aborted) log.warn({ error }, "it could not be looked for missing keys");
    });
  }
  const queue =
    messages === undefined
      ? undefined
      : meteredQueue(
          new StorageQueue({
            connection: messages,
            clock: systemClock,
            random: systemRandom,
            onRetry: (reason) => metrics.retried({ service: "queue", reason }),
          }),
          metrics,
        );
  return {
    name: "Azure",
    systems: { store: "azure.cosmosdb", queue: "azure.storage_queue", queueName },
    store: new SealedStore({ store: meteredStore(store, metrics), keys, random: systemRandom }),
    keys,
    get queue() {
      if (queue === undefined) throw new TypeError("a frontend has no queue");
      return queue;
    },
    polling: azurePolling(config),
    untilLost: untilStopped,
    [Symbol.asyncDispose]: async () => documents[Symbol.dispose](),
  };
}

/** Tries again while the service says that it can't serve just now; the last that it said is told when the time is up. */
async function openedInTime<T>(
  name: string,
  stop: AbortSignal,
  open: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  let reason: Error = new EnginesOpenError(
    `${name} did not answer within ${openLimitMs / 1_000} s`,
  );
  using limit = deadlineSignal({
    clock: systemClock,
    afterMs: openLimitMs,
    reason: () => reason,
    parents: [stop],
  });
  for (let waitMs = openPauseMs; ; waitMs *= 2) {
    try {
      return await open(limit.signal);
    } catch (error) {
      if (!isPassing(error)) throw error;
      reason = error;
    }
    await systemClock.sleep(waitMs, limit.signal);
  }
}

function isPassing(error: unknown): error is Error {
  return (
    (error instanceof CosmosOpenError ||
      error instanceof StorageQueueOpenError ||
      error instanceof KeyVaultError) &&
    error.isPassing
  );
}

/** The first that can't be opened is told at once; what was opened, or still will be, is closed again. */
async function bothOrNeither<A extends Disposable, B>(
  one: Promise<A>,
  other: Promise<B>,
): Promise<readonly [A, B]> {
  try {
    return await Promise.all([one, other]);
  } catch (error) {
    one.then(
      (opened) => opened[Symbol.dispose](),
      () => {
        // not opened
      },
    );
    throw error;
  }
}

/** What lies on other machines is never lost for good: it comes back. */
async function untilStopped(stop: AbortSignal): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  if (stop.aborted) resolve(undefined);
  else stop.addEventListener("abort", () => resolve(undefined), { once: true });
  return promise;
}
