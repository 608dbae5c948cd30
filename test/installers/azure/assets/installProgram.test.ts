/** Running the program: real child processes, good and bad ones, and nothing of theirs left or told. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  InstallProgram,
  InstallProgramFailedError,
  InstallProgramUnusableError,
  supportedVersions,
} from "../../../../src/installers/azure/assets/installProgram.ts";
import { PrivateFolder } from "../../../../src/installers/azure/assets/privateFolder.ts";
import { planted } from "../../../leaks/leakWatch.ts";
import { writeExecutable } from "../../../process/executableFile.ts";
import { clientSecret } from "../azureSnapshot.ts";

let root = "";
let parent = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "install-program-"));
  parent = join(root, "folders");
  mkdirSync(parent);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

const credentials = {
  subscriptionId: "00000000-0000-4000-8000-00000000000a",
  tenantId: "00000000-0000-4000-8000-00000000000e",
  clientId: "00000000-0000-4000-8000-00000000000c",
  clientSecret,
};

/** A program of one's own, which the shell runs. */
function script(...lines: readonly string[]): string {
  const path = join(root, "program");
  writeExecutable(path, ["#!/bin/sh", ...lines, ""].join("\n"));
  return path;
}

async function withProgram<Result>(
  path: string,
  use: (program: InstallProgram, folder: PrivateFolder) => Promise<Result>,
  signal: AbortSignal = new AbortController().signal,
): Promise<Result> {
  await using folder = await PrivateFolder.make(parent);
  return await use(await InstallProgram.prepare({ path, folder, credentials, signal }), folder);
}

/** What a use of it throws, and that the folder is gone. */
async function failure(
  path: string,
  use: (program: InstallProgram) => Promise<unknown>,
): Promise<unknown> {
  const error: unknown = await withProgram(path, use).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(readdirSync(parent)).toEqual([]);
  return error;
}

/** Killed ones may wait for somebody to ask how they ended. */
function isRunning(pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) !== "Z";
  } catch {
    return false;
  }
}

async function pidIn(file: string): Promise<string> {
  const pid = (): string => (existsSync(file) ? readFileSync(file, "utf8").trim() : "");
  await expect.poll(pid).toMatch(/^\d+$/);
  return pid();
}

/** The cause, for the log, of what it throws when it was given no secret. */
async function causeWithoutSecret(path: string): Promise<Error> {
  await using folder = await PrivateFolder.make(parent);
  const { signal } = new AbortController();
  const program = await InstallProgram.prepare({ path, folder, signal });
  const error: unknown = await program.checkVersion(undefined).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InstallProgramUnusableError);
  expect((error as Error).message).not.toContain("GLIBC");
  return (error as Error).cause as Error;
}

describe("the program", () => {
  it("gets an environment of its own: no credential, nothing else of the resource provider's", async () => {
    const secret = planted("the-own-secret-of-the-provider");
    vi.stubEnv("AZURE_CLIENT_SECRET", secret);
    vi.stubEnv("AZURE_CLIENT_ID", "the-provider");
    vi.stubEnv("IDENTITY_HEADER", secret);
    const seen = join(root, "seen");
    const path = script(
      `env > '${seen}'; pwd >> '${seen}'`,
      `cp "$AZURE_AUTH_LOCATION" '${seen}.json'`,
      "echo program 4.16.27",
    );
    await withProgram(path, async (program, folder) => {
      await program.checkVersion(undefined);
      const lines = readFileSync(seen, "utf8").trim().split("\n");
      const own = ["PWD", "SHLVL", "OLDPWD", "_"];
      const names = lines.slice(0, -1).map((line) => line.split("=")[0] ?? "");
      expect(names.filter((name) => !own.includes(name)).toSorted()).toEqual([
        "AZURE_AUTH_LOCATION",
        "HOME",
        "PATH",
        "TMPDIR",
      ]);
      for (const name of ["HOME", "TMPDIR", "AZURE_AUTH_LOCATION"]) {
        const line = lines.find((each) => each.startsWith(`${name}=`));
        expect(line).toContain(`=${folder.path}/`);
      }
      expect(lines.at(-1)).toBe(folder.path);
      expect(JSON.parse(readFileSync(`${seen}.json`, "utf8"))).toEqual(credentials);
    });
  });

  it.each([
    ["openshift-install 4.16.27", "4.16.27"],
    ["/opt/bin/openshift-install v4.12.0\nbuilt from commit 1234\nrelease image x 5.5.5", "4.12.0"],
    ["openshift-install 4.19.0-rc.2", "4.19.0"],
  ])("says its version: %s", async (printed, version) => {
    const path = script(`printf '%s\\n' '${printed}'`);
    expect(await withProgram(path, (program) => program.checkVersion(undefined))).toBe(version);
    expect(await withProgram(path, (program) => program.checkVersion(version))).toBe(version);
  });

  it("of another version than was asked for ends the operation, and says what to do", async () => {
    const path = script("echo openshift-install 4.16.27");
    const error = await failure(path, (program) => program.checkVersion("4.16.28"));
    expect(error).toMatchObject({
      name: "TerminalError",
      code: "OpenShiftVersionNotAvailable",
      message: expect.stringMatching(/^OpenShift 4\.16\.28 .* only 4\.16\.27\. Delete .* create/),
    });
  });

  it.each([
    ["older than any supported", "echo openshift-install 4.11.59"],
    ["newer than any supported", `echo openshift-install ${supportedVersions.below}`],
    ["without a version", "echo hello"],
    ["without a word", "exit 0"],
    ["of garbage", "head -c 100000 /dev/urandom"],
  ])("%s can't be used; only the log says why", async (_, line) => {
    const error = await failure(script(line), (program) => program.checkVersion(undefined));
    expect(error).toBeInstanceOf(InstallProgramUnusableError);
    const { message, cause } = error as Error;
    expect(message).toBe(
      "The resource provider is not set up correctly for installations; its operator has to look: this is no fault of the cluster's.",
    );
    expect((cause as Error).message).toMatch(/^OPENSHIFT_INSTALL: the program /);
  });

  it.each<[string, (path: string) => void]>([
    ["is missing", (path) => rmSync(path)],
    ["may not be run", (path) => chmodSync(path, 0o644)],
    [
      "is a folder",
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
    ],
    ["is no program", (path) => writeExecutable(path, "\u007fELFgarbage")],
    ["is run by one that is missing", (path) => writeExecutable(path, "#!/no/such/shell\n")],
  ])("that %s can't be used; only the log says why", async (_, spoil) => {
    const path = script("echo openshift-install 4.16.27");
    spoil(path);
    const error = await failure(path, (program) => program.checkVersion(undefined));
    expect(error).toBeInstanceOf(InstallProgramUnusableError);
    expect((error as Error).message).not.toContain(path);
    expect(((error as Error).cause as Error).message).toMatch(/^OPENSHIFT_INSTALL: th/);
  });

  it("that fails without a secret says what it printed first, cut, for the log alone", async () => {
    const path = script(
      "echo '/lib/libc.so.6: version GLIBC_2.34 not found' >&2; echo >&2; echo 'second\tline' >&2",
      "head -c 100000 /dev/zero | tr '\\0' x >&2; exit 7",
    );
    const { message } = await causeWithoutSecret(path);
    expect(message).toMatch(
      /^OPENSHIFT_INSTALL: the program \S+ does not work: openshift-install version ended with 7; it printed: \/lib\S+ version GLIBC_2.34 not found \| second/,
    );
    expect(message.length).toBeLessThan(700);
  });

  it("that names no image for Azure can't be used", async () => {
    for (const line of ["echo '{}'", "echo hello", "exit 0"]) {
      const error = await failure(script(line), (program) => program.imageStream());
      expect(error).toBeInstanceOf(InstallProgramUnusableError);
    }
  });

  it("that fails says how it ended, and none of what it printed", async () => {
    const path = script(
      `cat "$AZURE_AUTH_LOCATION"; cat "$AZURE_AUTH_LOCATION" >&2`,
      "echo 'level=error msg=something went wrong' >&2",
      'echo left > "$HOME/left"; echo left > "$TMPDIR/other"',
      "exit 3",
    );
    const error = await failure(path, (program) => program.createManifests());
    expect(error).toBeInstanceOf(InstallProgramFailedError);
    expect((error as Error).message).toBe("openshift-install create manifests ended with 3");
    const whole = inspect(error, { depth: 10, showHidden: true, maxStringLength: null });
    expect(whole).not.toContain(clientSecret);
    expect(whole).not.toContain("something went wrong");
  });

  it("that is killed says so", async () => {
    const error = await failure(script("kill -9 $$"), (program) => program.createManifests());
    expect((error as Error).message).toMatch(/ended with SIGKILL$/);
  });

  it("that prints without end is stopped", async () => {
    for (const line of ["yes", "yes >&2"]) {
      const error = await failure(script(line), (program) => program.createManifests());
      expect((error as Error).message).toMatch(/printed too much$/);
    }
  });

  it("that hangs is stopped with all that it has started, for the reason that it was stopped for", async () => {
    const path = script(
      `sleep 1000 & echo $! > '${root}/child'`,
      `echo $$ > '${root}/pid'`,
      "wait",
    );
    const stopping = new AbortController();
    const reason = new Error("the lease is lost");
    const running = withProgram(path, (program) => program.createManifests(), stopping.signal);
    const failed = running.then(
      () => undefined,
      (error: unknown) => error,
    );
    const pids = [await pidIn(join(root, "pid")), await pidIn(join(root, "child"))];
    expect(pids.map(isRunning)).toEqual([true, true]);
    stopping.abort(reason);
    expect(await failed).toBe(reason);
    expect(readdirSync(parent)).toEqual([]);
    await expect.poll(() => pids.map(isRunning)).toEqual([false, false]);
  });

  it("is not started when it has to stop already", async () => {
    const path = script(`echo > '${root}/started'`);
    const stopped = AbortSignal.abort(new Error("stopped before"));
    const running = withProgram(path, (program) => program.createManifests(), stopped);
    await expect(running).rejects.toThrow("stopped before");
    expect(existsSync(join(root, "started"))).toBe(false);
  });

  it("that ends while what it has started goes on takes it along", async () => {
    const path = script(`sleep 1000 & echo $! > '${root}/child'`, "echo openshift-install 4.16.27");
    expect(await withProgram(path, (program) => program.checkVersion(undefined))).toBe("4.16.27");
    const child = await pidIn(join(root, "child"));
    await expect.poll(() => isRunning(child)).toBe(false);
  });
});
