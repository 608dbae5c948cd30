/**
 * Settings under which a process sends itself a signal at a line of its log. Whoever reads the line may come to it seconds later, when
 * the process has long gone on: so a moment that a test is about must not depend on the reader.
 */
import type { Environment } from "./rpProcess.ts";

/**
 * @param options.line without flags: the first line of which it holds counts.
 * @param options.signal at once after the line was written; none of the process's own code runs before.
 * @param options.afterMs so much later instead, by the process's own timers.
 */
export function signalsItself(options: {
  readonly line: RegExp;
  readonly signal: NodeJS.Signals;
  readonly afterMs?: number;
}): Environment {
  const { line, signal, afterMs } = options;
  const send = `process.kill(process.pid, ${JSON.stringify(signal)})`;
  const code = `
    import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    const { writeSync } = fs;
    fs.writeSync = (fd, bytes, ...rest) => {
      const count = writeSync(fd, bytes, ...rest);
      if (fd === 1 && new RegExp(${JSON.stringify(line.source)}).test(String(bytes))) {
        fs.writeSync = writeSync;
        syncBuiltinESMExports();
        ${afterMs === undefined ? send : `setTimeout(() => ${send}, ${afterMs})`};
      }
      return count;
    };
    syncBuiltinESMExports();
  `;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}
