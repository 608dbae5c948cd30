/**
 * What a program prints for users to paste, as one finds it who pastes only what is indented. It must start the program as `npm run`
 * would, and leave none running.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { expect, onTestFinished } from "vitest";
import type { Environment } from "./rpProcess.ts";

export interface PrintedCommands {
  /** What is not indented, one line. */
  readonly prose: string;
  /** The indented blocks, in their order, without the indentation. */
  readonly blocks: readonly string[];
  /** What the block of `export` lines sets. */
  readonly settings: Environment;
  /** Ends the program as Ctrl-C does. @returns what it said at its end. */
  readonly interrupt: () => Promise<string>;
}

/** Starts it and reads until what it prints ends as `end` says. */
export async function printedCommands(program: string, end: RegExp): Promise<PrintedCommands> {
  const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await expect.poll(() => text).toMatch(end);
  const printed = text;
  const parts = printed.split(/^((?: {4}.*\n)+)/m);
  const blocks = parts
    .filter((part) => part.startsWith("    "))
    .map((block) => block.replaceAll(/^ {4}/gm, ""));
  const exports = blocks[0]?.matchAll(/^export (\w+)='(.*)'$/gm) ?? [];
  return {
    prose: parts
      .filter((part) => !part.startsWith("    "))
      .join(" ")
      .replaceAll(/\s+/g, " "),
    blocks,
    settings: Object.fromEntries([...exports].map(([, name = "", value = ""]) => [name, value])),
    interrupt: async () => {
      child.kill("SIGINT");
      await once(child, "close");
      return text.slice(printed.length);
    },
  };
}

/** What a shell prints that is given these lines. */
export async function paste(lines: string): Promise<string> {
  return (await promisify(execFile)("bash", ["-c", lines])).stdout;
}
