/** Processor time and memory of a process, as the operating system tells them. */
import { expect, test } from "vitest";
import {
  cpuMsIn,
  cpuMsOf,
  memoryBytesOf,
  memoryPeakBytesOf,
  statusBytes,
} from "./processFigures.ts";

test("user and system time together, whatever the process is called", () => {
  const rest = "S 1 2 3 4 5 6 7 8 9 10 120 34 0 0 20 0 11 0 1000 2000 3000";
  for (const name of ["node", "a (b) c", "1 2 3) R 9"]) {
    expect(cpuMsIn(`42 (${name}) ${rest}`)).toBe(1_540);
  }
  expect(() => cpuMsIn("")).toThrow("not as Linux");
});

test("the peak of its memory, and what it has now", () => {
  const status = "VmPeak:\t 9000 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1024 kB\n";
  expect(statusBytes("VmHWM", status)).toBe(2_097_152);
  expect(statusBytes("VmRSS", status)).toBe(1_048_576);
  expect(() => statusBytes("VmHWM", "Name:\tnode\n")).toThrow("not as Linux");
});

test("this very process: work takes time, and its memory is at least what it has", () => {
  const before = cpuMsOf(process.pid);
  while (cpuMsOf(process.pid) < before + 20) {
    // works
  }
  const knownMs = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  };
  const leastMs = knownMs();
  const told = cpuMsOf(process.pid);
  // some ticks of the system's clock
  expect(told).toBeGreaterThan(leastMs - 100);
  expect(told).toBeLessThan(knownMs() + 100);
  const nowBytes = memoryBytesOf(process.pid);
  expect(nowBytes).toBeGreaterThan(process.memoryUsage().heapUsed / 2);
  // the system counts by processor, and adds up some pages late
  expect(memoryPeakBytesOf(process.pid)).toBeGreaterThan(nowBytes - 1_048_576);
});
