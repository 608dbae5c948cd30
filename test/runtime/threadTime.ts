/**
 * Processor time, for tests of what something costs: unlike the time of a clock it stands still while others have the processor.
 * It must never be taken for how long something takes.
 */

/** What this thread has used so far, in milliseconds. */
export function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
