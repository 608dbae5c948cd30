/**
 * A process of a test: writes clusters, each with a message, to the file given and prints the name of each once it is
 * acknowledged. Ends only by being killed.
 */
import { writeSync } from "node:fs";
import { systemClock } from "../../../src/runtime/clock.ts";
import { SqliteQueue } from "../../../src/queue/sqliteQueue.ts";
import { SqliteDatabase } from "../../../src/store/sqliteDatabase.ts";
import { SqliteStore } from "../../../src/store/sqliteStore.ts";
import { clusterDocument, partition } from "../documents.ts";

const [path = ""] = process.argv.slice(2);
const database = await SqliteDatabase.open({ path });
const store = new SqliteStore({ database, clock: systemClock });
const queue = new SqliteQueue({ database, clock: systemClock });

async function write(writer: number): Promise<never> {
  for (let count = 0; ; count += 1) {
    const name = `${writer}-${count}`;
    await store.commit(partition, [{ create: clusterDocument(name) }]);
    await queue.send(name);
    writeSync(1, `${name}\n`);
  }
}

await Promise.all([1, 2, 3].map(write));
