/**
 * The image's Dockerfile: without a linter's complaint, and with what a cluster and a supervisor rely on. What it installs and
 * starts is tried without a container in `image.slow.test.ts`.
 */
import { existsSync, readFileSync } from "node:fs";
import { validate } from "dockerfile-utils";
import { expect, test } from "vitest";
import {
  dockerfileText,
  environmentOf,
  execForm,
  onlyInstruction,
  stagesOf,
  wordsOf,
  type Stage,
} from "./dockerfile.ts";

const root = new URL("../../", import.meta.url);

function stages(): { readonly install: Stage; readonly image: Stage } {
  const [install, image, third] = stagesOf(dockerfileText);
  if (install === undefined || image === undefined || third !== undefined) {
    throw new Error("not exactly two stages");
  }
  return { install, image };
}

function copies(stage: Stage): readonly (readonly string[])[] {
  return stage.instructions.filter((each) => each.getKeyword() === "COPY").map(wordsOf);
}

test("a linter has nothing to say", () => {
  expect(validate(dockerfileText)).toEqual([]);
});

test.each([
  ["ENTRYPOINT", "ENTRYPONT", /Unknown instruction/],
  ["USER 10001:10001", "USER", /no arguments/],
  ["STOPSIGNAL SIGTERM", "STOPSIGNAL TERM", /Invalid signal/],
  ["--interval=10s", "--interval=10", /unit/],
  ["HEALTHCHECK --interval", "HEALTHCHECK --every", /unknown flag/i],
])("a linter finds: %s as %s", (right, wrong, expected) => {
  const faults = validate(dockerfileText.replace(right, wrong));
  expect(JSON.stringify(faults)).toMatch(expected);
});

test("the process is nobody's administrator, and says so by a number", () => {
  expect(wordsOf(onlyInstruction(stages().image, "USER"))).toEqual(["10001:10001"]);
  const instructions = stages().image.instructions.map((each) => each.getKeyword());
  // as root it would be built, but not started
  expect(instructions.indexOf("USER")).toBeGreaterThan(instructions.lastIndexOf("COPY"));
  expect(instructions.indexOf("USER")).toBeGreaterThan(instructions.lastIndexOf("RUN"));
});

test("signals reach the process", () => {
  const { image } = stages();
  expect(execForm(onlyInstruction(image, "ENTRYPOINT"))).toEqual(["node", "src/main.ts"]);
  expect(wordsOf(onlyInstruction(image, "STOPSIGNAL"))).toEqual(["SIGTERM"]);
  expect(image.instructions.some((each) => each.getKeyword() === "CMD")).toBe(false);
});

test("its health is asked by a program that it holds", () => {
  const { install, image } = stages();
  const command = execForm(onlyInstruction(image, "HEALTHCHECK"));
  expect(command).toEqual(["node", "deploy/healthCheck.ts", "ready"]);
  expect(copies(install)).toContainEqual(["deploy/healthCheck.ts", "./deploy/"]);
});

test("it runs on the Node.js that the tests ran on", () => {
  const { dependencies } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
    readonly dependencies: { readonly node: string };
  };
  const { install, image } = stages();
  expect(install.from).toBe(`node:${dependencies.node}-trixie-slim`);
  // from the dependencies, first of all that are on the path
  expect(environmentOf(image)["PATH"]?.split(":")[0]).toBe("/app/node_modules/.bin");
  expect(image.from).not.toMatch(/^node/);
});

test("what it copies is let through to the build, and nothing else is", () => {
  const [all, ...allowed] = readFileSync(new URL(".dockerignore", root), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  expect(all).toBe("*");
  const sources = copies(stages().install).flatMap((words) => words.slice(0, -1));
  expect(allowed.map((line) => line.replace(/^!/, "")).toSorted()).toEqual(sources.toSorted());
  expect(sources.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
});

test("no secret is built in, and no folder becomes writable by itself", () => {
  const keywords = stagesOf(dockerfileText).flatMap(({ instructions }) =>
    instructions.map((each) => each.getKeyword()),
  );
  expect(keywords).not.toContain("VOLUME");
  expect(keywords).not.toContain("ARG");
  expect(keywords).not.toContain("ADD");
  expect(environmentOf(stages().image)).toEqual({
    NODE_ENV: "production",
    PATH: "/app/node_modules/.bin:/usr/local/bin:/usr/bin:/bin",
    DATA_DIR: "/data",
    // on loopback: without it the health check had nobody to ask in roles without HTTP
    ADMIN_PORT: "9464",
  });
});
