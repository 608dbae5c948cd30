/** Whether others are at work on the machine, so that what is measured says less. */

/**
 * A line about it, `undefined` when there is nothing to say.
 *
 * @param load of the last minute, before anything was measured: a bench itself keeps two processors busy.
 */
export function loadWarning(load: number, processors: number): string | undefined {
  if (load <= processors) return undefined;
  return (
    `WARNING: the load average was ${load.toFixed(2)} before, more than the processors, ${processors}: ` +
    "others are at work, so rates are too low, and times and CPU too high"
  );
}
