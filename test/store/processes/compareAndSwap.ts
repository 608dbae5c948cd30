/**
 * A process of a test: opens the file given, perhaps while others do, and adds 1 to one cluster so many times by
 * compare-and-swap. Its output is how often it lost.
 */
import { systemClock } from "../../../src/runtime/clock.ts";
import { StoreConflictError } from "../../../src/store/store.ts";
import { SqliteDatabase } from "../../../src/store/sqliteDatabase.ts";
import { SqliteStore } from "../../../src/store/sqliteStore.ts";
import { clusterDocument, partition } from "../documents.ts";

const [path = "", times = "0"] = process.argv.slice(2);
// whoever holds the lock may have to wait for a processor or a disk
await using database = await SqliteDatabase.open({ path, busyLimitMs: 60_000 });
const store = new SqliteStore({ database, clock: systemClock });
const counter = clusterDocument("counter");

let lost = 0;
async function unlessConflict(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (!(error instanceof StoreConflictError)) throw error;
    lost += 1;
    return false;
  }
}

await unlessConflict(async () => store.commit(partition, [{ create: counter }]));
for (let added = 0; added < Number(times);) {
  const stored = await store.read("cluster", { partition, id: counter.id });
  if (stored === undefined) throw new Error("the counter is gone");
  const document = { ...stored.document, sweeps: stored.document.sweeps + 1 };
  const write = async (): Promise<unknown> =>
    store.commit(partition, [{ replace: stored, document }]);
  if (await unlessConflict(write)) added += 1;
}
process.stdout.write(`${lost}\n`);
