/** However a bench ends short of SIGKILL, nothing of it stays: no process, no folder. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const benches = [
  ["bench.ts", "--quick --background without --rounds 50", /: round 1 of 50$/],
  ["operationsBench.ts", "--operations 1000000 --beginnings 1", /^creates by 20 callers/],
] as const;

/** Processes whose parent this is, as Linux tells. */
function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter(Boolean)
    .map(Number);
}

const ways = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const;

test.each(
  benches.flatMap(([file, args, reached]) =>
    ways.map(([signal, code]) => ({ file, args, reached, signal, code })),
  ),
)(
  "$file ends with all that it has started at $signal",
  async ({ file, args, reached, signal, code }) => {
    const folder = mkdtempSync(join(tmpdir(), "rp-"));
    const program = fileURLToPath(new URL(file, import.meta.url));
    const bench = spawn(process.execPath, [program, ...args.split(" ")], {
      env: { PATH: process.env["PATH"], TMPDIR: folder },
      stdio: ["ignore", "ignore", "pipe"],
    });
    try {
      const ended = once(bench, "exit");
      const told: string[] = [];
      for await (const line of createInterface({ input: bench.stderr })) {
        told.push(line);
        if (reached.test(line)) break;
      }
      expect(told.at(-1)).toMatch(reached);
      const running = () => childrenOf(bench.pid ?? NaN);
      await expect.poll(running).not.toEqual([]);
      const children = running();
      expect(readdirSync(folder).filter((name) => name.startsWith("rp-bench-"))).toHaveLength(1);
      bench.kill(signal);
      expect(await ended).toEqual([code, null]);
      expect(readdirSync(folder)).toEqual([]);
      // whoever adopts them has to take note first
      await expect.poll(() => children.filter((pid) => existsSync(`/proc/${pid}/exe`))).toEqual([]);
    } finally {
      bench.kill("SIGKILL");
      rmSync(folder, { recursive: true });
    }
  },
);
