/** What many schedules showed in sum. */

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
