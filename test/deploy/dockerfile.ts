/** Reads the image's Dockerfile: what it copies, runs and starts, as its final stage says. */
import { readFileSync } from "node:fs";
import { DockerfileParser, type Instruction } from "dockerfile-ast";

export const dockerfileText = readFileSync(
  new URL("../../deploy/Dockerfile", import.meta.url),
  "utf8",
);

/** One stage: what stands between a FROM and the next. */
export interface Stage {
  /** The image that it begins with. */
  readonly from: string;
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

export function stagesOf(text: string): readonly Stage[] {
  const stages: { from: string; name: string | undefined; instructions: Instruction[] }[] = [];
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    if (instruction.getKeyword() === "FROM") {
      const [from = "", , name] = wordsOf(instruction);
      stages.push({ from, name, instructions: [] });
    } else {
      stages.at(-1)?.instructions.push(instruction);
    }
  }
  return stages;
}

/** What follows the keyword and its flags. */
export function wordsOf(instruction: Instruction): readonly string[] {
  return instruction.getArguments().map((argument) => argument.getValue());
}

/** The list of an instruction in exec form, or nothing when a shell would run it. */
export function execForm(instruction: Instruction): readonly string[] | undefined {
  const words = wordsOf(instruction);
  try {
    // HEALTHCHECK has a word of its own before it
    return JSON.parse(words.slice(words[0] === "CMD" ? 1 : 0).join(" ")) as readonly string[];
  } catch {
    return undefined;
  }
}

/** @throws {Error} unless the stage has exactly one. */
export function onlyInstruction(stage: Stage, keyword: string): Instruction {
  const [found, second] = stage.instructions.filter((each) => each.getKeyword() === keyword);
  if (found === undefined || second !== undefined) throw new Error(`not exactly one ${keyword}`);
  return found;
}

/** Variables that a stage sets. */
export function environmentOf(stage: Stage): Readonly<Record<string, string>> {
  const pairs = stage.instructions
    .filter((each) => each.getKeyword() === "ENV")
    .flatMap(wordsOf)
    .map((word): [string, string] => {
      const at = word.indexOf("=");
      return [word.slice(0, at), word.slice(at + 1)];
    });
  return Object.fromEntries(pairs);
}
