/**
 * The figures by which the fleet's activity is counted, published and believed, in one place, so that what one process publishes
 * is never too old for another by mistake.
 */

/** Between two counts while there is something to do. */
export const activityIntervalMs = 15_000;

/** Between two counts while there is nothing to do, and between two publications at the most. */
export const activityIdleIntervalMs = 60_000;

/** A publication whose age is further from now than that says nothing any more: nobody counts, or the clocks differ. */
export const activityStaleMs = 3 * 60_000;

/** So many operations are counted at the most; more are "at least" as many. */
export const runningMax = 10_000;

/** A count that takes longer is given up: what it found first would no longer be true. */
export const countLimitMs = 60_000;
