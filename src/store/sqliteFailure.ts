/**
 * What can go wrong with the embedded database: the errors that it raises, and what SQLite's result codes
 * (https://sqlite.org/rescode.html) mean. No error's text may hold what stands in the database.
 */

/** The file cannot be opened; the message says which and why, for whoever runs the program. */
export class SqliteOpenError extends Error {
  override readonly name = "SqliteOpenError";
}

/** The database cannot serve now. Nothing was written. */
export class SqliteUnavailableError extends Error {
  override readonly name: string = "SqliteUnavailableError";
}

/**
 * Its files were removed, replaced or damaged, or belong to a newer release now: this process can't serve any more. The
 * message says which, and what to do. Nothing was written.
 */
export class SqliteFileLostError extends SqliteUnavailableError {
  override readonly name = "SqliteFileLostError";
}

/** Whether an error, or what caused it, is that the database was lost: whoever runs it tells of that. */
export function isOfLostFile(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error instanceof SqliteFileLostError || isOfLostFile(error.cause);
}

/** The disk failed during the commit: what it holds will be known after the next start. */
export class SqliteOutcomeUnknownError extends Error {
  override readonly name = "SqliteOutcomeUnknownError";
}

const sqliteBusy = 5;
const sqliteReadOnly = 8;
const sqliteIoError = 10;
const sqliteCannotOpen = 14;
/** Result codes of a damaged file: corrupt, not a database. */
const damageCodes: readonly number[] = [11, 26];
const machineCodes: readonly number[] = [
  sqliteBusy,
  6, // locked
  7, // out of memory
  sqliteReadOnly,
  9, // interrupted
  sqliteIoError,
  13, // full
  sqliteCannotOpen,
  15, // locking protocol
  ...damageCodes,
];

/** SQLite's primary result code; `undefined` for any other error. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

/** Whether another connection holds a lock. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === sqliteBusy;
}

/** Whether the disk failed. */
export function isOfDisk(error: unknown): boolean {
  return resultCode(error) === sqliteIoError;
}

/** Whether this user may not write the file, or not even open it. */
export function isOfAccess(error: unknown): boolean {
  const code = resultCode(error);
  return code === sqliteReadOnly || code === sqliteCannotOpen;
}

/** Whether it speaks of the machine or the file, not of a defect of the program. */
export function isOfMachine(error: unknown): boolean {
  return machineCodes.includes(resultCode(error) ?? 0);
}

/** Whether SQLite found the file itself damaged, not just one document in it. */
export function isOfDamage(error: unknown): boolean {
  return damageCodes.includes(resultCode(error) ?? 0);
}

/** What an error says of itself. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
