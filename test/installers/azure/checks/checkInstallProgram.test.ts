/** What `openshift-install` can't do, told before anything is made: with the stand-in, and small programs that are none. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AzureNotes } from "../../../../src/installers/azure/azureNotes.ts";
import { InstallProgramUnusableError } from "../../../../src/installers/azure/assets/installProgram.ts";
import { checkInstallProgram } from "../../../../src/installers/azure/checks/checkInstallProgram.ts";
import type { InstallationSnapshot, StepResult } from "../../../../src/installers/installer.ts";
import { installProgram } from "../../../azure/installProgram.ts";
import { planted } from "../../../leaks/leakWatch.ts";
import { writeExecutable } from "../../../process/executableFile.ts";
import { TestClock } from "../../../runtime/testClock.ts";
import { azureSnapshot, clientSecret, dnsZone, pullSecret } from "../azureSnapshot.ts";

let root = "";
let parent = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "check-install-program-"));
  parent = join(root, "folders");
  mkdirSync(parent);
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

/** A program of one's own, which the shell runs. */
function script(...lines: readonly string[]): string {
  const path = join(root, "program");
  writeExecutable(path, ["#!/bin/sh", ...lines, ""].join("\n"));
  return path;
}

async function run(
  path: string,
  snapshot: InstallationSnapshot = azureSnapshot(),
  signal: AbortSignal = new AbortController().signal,
): Promise<StepResult> {
  const effects = { settings: { dnsZone, installProgram: path }, clock: new TestClock() };
  const unused = (): never => {
    throw new TypeError("a check changes nothing");
  };
  const step = checkInstallProgram(effects, parent);
  try {
    return await step.run({
      snapshot,
      startedAt: 0,
      now: 0,
      signal,
      guard: unused,
      save: async () => unused(),
    });
  } finally {
    expect(readdirSync(parent)).toEqual([]);
  }
}

describe("the program", () => {
  it("that makes clusters for Azure, of the version that is asked for, will do", async () => {
    const asked = azureSnapshot({ cluster: { openshiftVersion: "4.16.27" } });
    expect(await run(installProgram, asked)).toEqual({ done: true });
  });

  it("that can't make the version that is asked for ends the operation", async () => {
    const asked = azureSnapshot({ cluster: { openshiftVersion: "4.16.28" } });
    await expect(run(script("echo openshift-install 4.16.27"), asked)).rejects.toMatchObject({
      name: "TerminalError",
      code: "OpenShiftVersionNotAvailable",
      message: expect.stringContaining("only 4.16.27"),
    });
  });

  it.each([
    ["that says nothing", "exit 0"],
    ["that fails", "exit 1"],
    ["that is another", "echo git version 2.39.2"],
    ["that has OpenShift's version but no images", "echo Client Version: 4.16.27"],
  ])("%s is the operator's to change, and the operation is tried again", async (_what, line) => {
    const error: unknown = await run(script(line)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InstallProgramUnusableError);
  });

  it("that is not there is the operator's to change", async () => {
    await expect(run(join(root, "none"))).rejects.toBeInstanceOf(InstallProgramUnusableError);
  });

  it("gets no secret, in its environment or its folder", async () => {
    const seen = join(root, "seen");
    const path = script(`(env; find . -type f -exec cat {} +) > '${seen}'`, "exit 1");
    await expect(run(path)).rejects.toBeInstanceOf(InstallProgramUnusableError);
    const text = readFileSync(seen, "utf8");
    expect(text).toContain("HOME=");
    expect(text).not.toContain("AZURE");
    for (const secret of [pullSecret, clientSecret]) expect(text).not.toContain(secret);
  });

  it("is not started when the step has to stop already", async () => {
    const reason = new Error("the lease is lost");
    const path = script(`echo > '${root}/started'`);
    await expect(run(path, azureSnapshot(), AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(readdirSync(root)).not.toContain("started");
  });
});

const told = planted("value-that-nobody-is-told");

describe("the pull secret", () => {
  it.each<[string, string | undefined, RegExp]>([
    ["is missing", undefined, /^The cluster has no pull secret\./],
    ["is empty", "", /is not JSON/],
    ["is no JSON", `{"auths": ${told}`, /is not JSON/],
    ["is null", "null", /is not JSON with 'auths'/],
    ["has no auths", JSON.stringify({ auth: told }), /is not JSON with 'auths'/],
    ["has a list", JSON.stringify({ auths: [told] }), /is not JSON with 'auths'/],
    ["has no registry", '{"auths":{}}', /has no registry/],
    ["has nothing for one", JSON.stringify({ auths: { [told]: {} } }), /without 'auth'/],
    [
      "has nothing for one of two",
      JSON.stringify({ auths: { "quay.example": { auth: told }, other: { auth: "" } } }),
      /without 'auth'/,
    ],
  ])("that %s ends the operation, before any program runs", async (_what, text, message) => {
    const secrets = { clientSecret, ...(text === undefined ? {} : { pullSecret: text }) };
    const error: unknown = await run(join(root, "none"), azureSnapshot({ secrets })).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      name: "TerminalError",
      code: "InstallationFailed",
      message: expect.stringMatching(message),
    });
    expect((error as Error).message).toContain("'properties.clusterProfile.pullSecret' by PATCH");
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(told);
  });
});

describe("a create that begins anew", () => {
  const infraId = "shop-abcdefgh-x7k2p";

  it.each<[string, { readonly notes?: AzureNotes; readonly secrets?: object }]>([
    ["what the program makes is kept", { notes: { infraId }, secrets: { pullSecret } }],
    ["the control plane stands", { notes: { infraId, bootstrapped: true } }],
    ["the cluster is installed", { secrets: { adminKubeconfig: "a", kubeadminPassword: "b" } }],
  ])("needs no program once %s", async (_what, given) => {
    const snapshot = azureSnapshot({ secrets: {}, ...given });
    expect(await run(join(root, "none"), snapshot)).toEqual({ done: true });
  });

  it("is told of a pull secret that is none, since others are made by it", async () => {
    const snapshot = azureSnapshot({ notes: { infraId }, secrets: { pullSecret: "{}" } });
    await expect(run(join(root, "none"), snapshot)).rejects.toMatchObject({
      code: "InstallationFailed",
      message: expect.stringContaining("not JSON with 'auths'"),
    });
  });
});
