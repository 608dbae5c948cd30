/**
 * SQLite's write-ahead log as a file, where SQLite itself is not asked: beside a database that it would open, it changes the log.
 * So this never writes.
 */
import { readFileSync } from "node:fs";

const logHeaderBytes = 32;
const frameHeaderBytes = 24;

/** SQLite's name for the write-ahead log of a file. */
export function logOf(path: string): string {
  return `${path}-wal`;
}

/** How many bytes a log of so many frames has at the least. */
export function logBytesOf(frames: number, pageBytes: number): bigint {
  return BigInt(logHeaderBytes + frames * (frameHeaderBytes + pageBytes));
}

interface LogContent {
  /** Their numbers, whether committed or not. */
  readonly pages: ReadonlySet<number>;
  /** Whether it holds a whole database: every page that it had at the last commit. */
  readonly isWhole: boolean;
}

/**
 * What stands in a write-ahead log (https://sqlite.org/fileformat2.html, section 4.1). Frames whose salts aren't the log's
 * are left over from before it began anew. No lock lies on a log, so it may be opened and closed beside SQLite, unlike the
 * main file.
 */
export function pagesInLog(path: string): LogContent {
  const pages = new Set<number>();
  let isWhole = false;
  const log = readFileSync(path);
  if (log.length < logHeaderBytes) return { pages, isWhole };
  const pageSize = log.readUInt32BE(8);
  const salts = log.subarray(16, 24);
  const frameBytes = frameHeaderBytes + pageSize;
  for (let at = logHeaderBytes; at + frameBytes <= log.length; at += frameBytes) {
    if (!log.subarray(at + 8, at + 16).equals(salts)) break;
    pages.add(log.readUInt32BE(at));
    // only the last frame of a transaction says how many pages there are
    const count = log.readUInt32BE(at + 4);
    if (count > 0) isWhole = pages.size >= count && hasAllTo(count, pages);
  }
  return { pages, isWhole };
}

function hasAllTo(count: number, pages: ReadonlySet<number>): boolean {
  for (let page = 1; page <= count; page += 1) if (!pages.has(page)) return false;
  return true;
}
