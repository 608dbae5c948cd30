/** A program is a file that may be executed; everything else is told, with the setting that mends it. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  checkProgramFile,
  ProgramFileError,
} from "../../../../src/installers/azure/assets/programFile.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "program-"));
  await writeFile(join(folder, "program"), "#!/bin/sh\n", { mode: 0o755 });
  await symlink(join(folder, "program"), join(folder, "link"));
  await writeFile(join(folder, "text"), "#!/bin/sh\n", { mode: 0o644 });
  await symlink(join(folder, "gone"), join(folder, "dangling"));
  await mkdir(join(folder, "folder"));
});

afterAll(async () => rm(folder, { recursive: true }));

test.each(["program", "link"])("a %s is taken", async (name) => {
  await expect(checkProgramFile(join(folder, name))).resolves.toBeUndefined();
});

test("a name without a folder is no path, and it is said that PATH is not searched", async () => {
  const failure = await checkProgramFile("openshift-install").catch((error: unknown) => error);
  expect((failure as Error).message).toMatch(
    /^The program openshift-install is not there \(PATH is not searched for it\): set OPENSHIFT_INSTALL/,
  );
});

test.each([
  ["text", /may not be executed/],
  ["folder", /is not a file/],
  ["gone", /is not there/],
  ["dangling", /is not there/],
  ["program/below", /can't be read \(ENOTDIR\)/],
])("%s is refused", async (name, message) => {
  const path = join(folder, name);
  const failure = await checkProgramFile(path).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ProgramFileError);
  expect((failure as Error).message).toMatch(message);
  expect((failure as Error).message).toContain(path);
  expect((failure as Error).message).toContain("OPENSHIFT_INSTALL");
});
