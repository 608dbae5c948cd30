/** Runs the simulation on a broken protocol, in a process of its own. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Mutant } from "./mutants.ts";

const [preload, program] = ["processes/mutate.ts", "simulate.ts"].map((file) =>
  fileURLToPath(new URL(file, import.meta.url)),
);

export interface MutantRun {
  readonly exitCode: number;
  /** What must never be seen, and was seen first. */
  readonly found: string | undefined;
  /** All that the run wrote, for people. */
  readonly output: string;
}

/** Ends at the first finding, or when the mutant should have been found. */
export async function runMutant({ name, sweepOff, within }: Mutant): Promise<MutantRun> {
  const { promise, resolve } = Promise.withResolvers<MutantRun>();
  const options = ["--first", "--schedules", String(within)];
  execFile(
    process.execPath,
    [
      "--import",
      String(preload),
      String(program),
      ...options,
      ...(sweepOff === true ? ["--keepMessages"] : []),
    ],
    { env: { ...process.env, MUTANT: name } },
    (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : Number(error.code);
      const found = /^seed \d+: (.*)$/m.exec(stdout)?.[1];
      resolve({ exitCode, found, output: `${stdout}${stderr}` });
    },
  );
  return promise;
}
