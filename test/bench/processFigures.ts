/**
 * What a process has used, read from the operating system: what it says of itself would leave out its other threads. Linux only.
 */
import { readFileSync } from "node:fs";

/** Linux counts in hundredths of a second, whatever the kernel's own tick is (`USER_HZ`). */
const tickMs = 10;

/** Processor time of all its threads since its start, user and system together, in milliseconds; a tick is 10. */
export function cpuMsOf(pid: number): number {
  return cpuMsIn(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

/** The most memory that it had at once (`VmHWM`), in bytes. */
export function memoryPeakBytesOf(pid: number): number {
  return statusBytes("VmHWM", readFileSync(`/proc/${pid}/status`, "utf8"));
}

/** The memory that it has (`VmRSS`), in bytes. */
export function memoryBytesOf(pid: number): number {
  return statusBytes("VmRSS", readFileSync(`/proc/${pid}/status`, "utf8"));
}

/** @param stat as `/proc/<pid>/stat` has it. */
export function cpuMsIn(stat: string): number {
  // the name, in parentheses, may hold anything
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [utime, stime] = [fields[11], fields[12]].map(Number);
  if (utime === undefined || stime === undefined || !Number.isFinite(utime + stime)) {
    throw new TypeError("not as Linux tells of a process");
  }
  return (utime + stime) * tickMs;
}

/**
 * One line of what Linux tells of a process's memory, in bytes.
 *
 * @param status as `/proc/<pid>/status` has it.
 */
export function statusBytes(line: "VmHWM" | "VmRSS", status: string): number {
  const kilobytes = new RegExp(`^${line}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  if (kilobytes === undefined) throw new TypeError("not as Linux tells of a process");
  return Number(kilobytes) * 1024;
}
