/** What a bench says of that which has stopped it. */
import { writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { StoreUnavailableError } from "../../src/store/store.ts";
import { faultLine } from "./benchCommand.ts";

const temporary = { folder: "/some/folder", freeBytes: 3.5 * 2 ** 20 };

function thrownBy(act: () => void): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** As SQLite throws it when there is no room. */
function fullDatabase(): unknown {
  using database = new DatabaseSync(":memory:");
  database.exec("PRAGMA max_page_count = 1");
  return thrownBy(() => database.exec("CREATE TABLE t (a)"));
}

test.each([
  ["a file", () => thrownBy(() => writeFileSync("/dev/full", "text"))],
  ["the bench's own database", fullDatabase],
  [
    "the store",
    () => new StoreUnavailableError("the database cannot serve", { cause: fullDatabase() }),
  ],
  [
    "a measured process, in its log",
    () =>
      new Error('main.ts ended with 1: {"reason":"it cannot be opened: database or disk is full"}'),
  ],
])("no room, noticed by %s: one line with the folder", (_, error) => {
  expect(faultLine(error(), temporary)).toBe(
    "/some/folder, where temporary files go (TMPDIR), is full",
  );
});

test("a database that cannot serve is told in one line, with the room that is left", () => {
  const answer = JSON.stringify({ error: { message: "The database cannot serve now" } }, null, 2);
  const error = new Error(`a create was answered 503: ${answer}\n`);
  expect(faultLine(error, temporary)).toBe(
    "the bench can't go on: a create was answered 503: " +
      '{ "error": { "message": "The database cannot serve now" } }; 3 MB are left in /some/folder (TMPDIR)',
  );
  expect(faultLine(error, { ...temporary, freeBytes: 100_000 })).toBe(
    "/some/folder, where temporary files go (TMPDIR), is full",
  );
});

test("of other errors nothing is said: their stack is needed", () => {
  expect(faultLine(new TypeError("fetch failed"), temporary)).toBeUndefined();
});
