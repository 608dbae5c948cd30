/**
 * A process of a test, in place of an RP that was stopped in the middle of a write: opens the file given and says that it is ready.
 * At SIGUSR2 it begins a transaction, writes in it, says so, and holds it. It commits when it is told to go on (SIGCONT); killed
 * before, it has written nothing.
 */
import { writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

const [path = "", name = ""] = process.argv.slice(2);
const connection = new DatabaseSync(path, { timeout: 5_000 });
process.on("SIGCONT", () => {
  connection.exec("COMMIT");
  process.exit(0);
});
process.on("SIGUSR2", () => {
  connection.exec("BEGIN IMMEDIATE");
  const { changes } = connection
    .prepare(
      `UPDATE documents SET body = json_set(body, '$.heldWrite', 'committed')
       WHERE kind = 'cluster' AND json_extract(body, '$.name') = ?`,
    )
    .run(name);
  writeSync(1, `${changes}\n`);
});
writeSync(1, "ready\n");
// nothing else keeps it alive
setInterval(() => {}, 60_000);
