/** Many schedules one after another. */
import { nothingYet, sumOf, type ChunkResult } from "./chunkResult.ts";
import { runSchedule } from "./schedule.ts";

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
