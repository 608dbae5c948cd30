/** How long to wait before a failed step is begun again: doubling, capped, with jitter so that workers spread out. */
import type { Random } from "../runtime/ids.ts";

const firstMs = 1_000;
const longestMs = 60_000;

/** @param attempts claims without progress so far, at least 1. */
export function retryDelayMs(attempts: number, random: Random): number {
  const capMs = Math.min(firstMs * 2 ** (Math.max(1, attempts) - 1), longestMs);
  return Math.round(capMs / 2 + (random.fraction() * capMs) / 2);
}
