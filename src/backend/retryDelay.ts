/**
 * How often a step is tried without progress, and how long to wait in between: doubling, capped, with jitter so that
 * workers spread out. It must never wait by itself.
 */
import type { Random } from "../runtime/ids.ts";

/** Claims without progress after which an operation ends `Failed`. */
export const attemptsMax = 5;

const firstMs = 1_000;
/** Below `attemptWaitMaxMs`. */
const longestMs = 60_000;

/** @param attempts claims without progress so far, at least 1. */
export function retryDelayMs(attempts: number, random: Random): number {
  const capMs = Math.min(firstMs * 2 ** (Math.max(1, attempts) - 1), longestMs);
  return Math.round(capMs / 2 + (random.fraction() * capMs) / 2);
}
