/** Many schedules one after another, and what they showed in sum. */
import { runSchedule } from "./schedule.ts";

/** A schedule in which something happened that must never happen. */
export interface Finding {
  readonly seed: number;
  readonly message: string;
}

export interface ChunkResult {
  readonly schedules: number;
  readonly findings: readonly Finding[];
  /** How often each thing was seen in all schedules together. */
  readonly seen: Readonly<Record<string, number>>;
  readonly occurrences: number;
  /** The longest that anything took to come to its end after the last fault, as multiples of the message visibility. */
  readonly settledVisibilities: number;
}

/** The sum of two results. */
export function sumOf(one: ChunkResult, other: ChunkResult): ChunkResult {
  const seen: Record<string, number> = { ...one.seen };
  for (const [name, count] of Object.entries(other.seen)) seen[name] = (seen[name] ?? 0) + count;
  return {
    schedules: one.schedules + other.schedules,
    findings: [...one.findings, ...other.findings],
    seen,
    occurrences: one.occurrences + other.occurrences,
    settledVisibilities: Math.max(one.settledVisibilities, other.settledVisibilities),
  };
}

export const nothingYet: ChunkResult = {
  schedules: 0,
  findings: [],
  seen: {},
  occurrences: 0,
  settledVisibilities: 0,
};

export interface Chunk {
  readonly first: number;
  readonly count: number;
  readonly endAtFinding?: boolean;
  readonly keepMessages?: boolean;
}

/** Runs so many schedules, of the seeds from `first` on; ends at the first finding if told so. */
export async function runChunk(chunk: Chunk): Promise<ChunkResult> {
  const { first, count, endAtFinding = false, keepMessages = false } = chunk;
  let result = nothingYet;
  for (let seed = first; seed < first + count; seed += 1) {
    const { violation, seen, occurrences, settledVisibilities } = await runSchedule(seed, {
      keepMessages,
    });
    result = sumOf(result, {
      schedules: 1,
      findings: violation === undefined ? [] : [{ seed, message: violation.message }],
      seen,
      occurrences,
      settledVisibilities,
    });
    if (violation !== undefined && endAtFinding) break;
  }
  return result;
}
