/** What is wrong with the resource provider itself is told at the start, one line each, with the setting that mends it. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { PrivateFolder } from "../../../src/installers/azure/assets/privateFolder.ts";
import { AzureConnection } from "../../../src/installers/azure/azureConnection.ts";
import { isSignInUnanswered } from "../../../src/installers/azure/failures/azureErrors.ts";
import { tellFailedSignIn } from "../../../src/installers/azure/tellFailedSignIn.ts";
import { tellOwnFaults } from "../../../src/installers/azure/tellOwnFaults.ts";
import { systemClock, type Clock } from "../../../src/runtime/clock.ts";
import { LocalAzure } from "../../azure/localAzure.ts";
import { planted } from "../../leaks/leakWatch.ts";
import { writeExecutable } from "../../process/executableFile.ts";
import { TestClock } from "../../runtime/testClock.ts";
import { AzureAnswers, subscriptionId } from "./checks/azureAnswers.ts";

const zone = `GET /subscriptions/${subscriptionId}/resourcegroups/dns/providers/microsoft.network/dnszones/clusters.test`;
let azure: AzureAnswers;
let root = "";

beforeAll(async () => {
  azure = await AzureAnswers.start();
});
afterAll(async () => azure[Symbol.asyncDispose]());
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tell-own-faults-"));
  azure.answers = { [zone]: { body: { location: "global" } } };
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

function script(...lines: readonly string[]): string {
  const path = join(root, "program");
  writeExecutable(path, ["#!/bin/sh", ...lines, ""].join("\n"));
  return path;
}

async function told(
  path = script("echo openshift-install 4.16.27"),
  given: { readonly clock?: Clock; readonly stop?: AbortSignal } = {},
): Promise<readonly string[]> {
  const lines: string[] = [];
  const { settings, azure: connection } = azure.effects;
  await tellOwnFaults({
    settings: { ...settings, installProgram: path },
    azure: connection,
    clock: given.clock ?? systemClock,
    log: {
      warn: (_fields, message) => lines.push(message),
      error: (_fields, message) => lines.push(message),
    },
    parentFolder: root,
    stop: given.stop ?? new AbortController().signal,
  });
  expect(readdirSync(root).filter((name) => name !== "program")).toEqual([]);
  return lines;
}

test("nothing is told when all is well", async () => {
  expect(await told()).toEqual([]);
});

test("a folder that a process that died over the program has left goes, whether or not a cluster is ever created", async () => {
  await using own = await PrivateFolder.make(root);
  const [, , place, pid] = basename(own.path).split("-");
  // the same number, but of an earlier process
  mkdirSync(join(root, `openshift-rp-${place}-${pid}-1-abcdef`));
  await own[Symbol.asyncDispose]();
  // looks that none is left
  expect(await told()).toEqual([]);
});

describe("a program", () => {
  test.each<[string, string, RegExp]>([
    [
      "that fails",
      "echo 'GLIBC_2.34 not found' >&2; exit 1",
      /OPENSHIFT_INSTALL: the program \S+ does not work: openshift-install version ended with 1; it printed: GLIBC_2.34 not found\.$/,
    ],
    ["that is another", "echo git version 2.39.2", /OPENSHIFT_INSTALL: .* 2\.39\.2/],
  ])("%s is told in one line", async (_what, line, expected) => {
    const lines = await told(script(line));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^No cluster can be created: /);
    expect(lines[0]).toMatch(expected);
  });

  test("that hangs is ended and told when the time is up", async () => {
    const clock = new TestClock();
    const lines = told(script("sleep 1000"), { clock });
    await expect.poll(() => clock.sleeping).toBe(1);
    await clock.advance(120_000);
    expect((await lines)[0]).toMatch(/OPENSHIFT_INSTALL: .* does not end: no answer within 120 s/);
  });

  test("that hangs is ended with the process, and no fault", async () => {
    const stop = new AbortController();
    const lines = told(script("sleep 1000"), { stop: stop.signal });
    stop.abort(new Error("stop"));
    expect(await lines).toEqual([]);
  });
});

describe("a zone", () => {
  test("that is not there is told with its setting and its id", async () => {
    azure.answers = {};
    const lines = await told();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /there is no DNS zone \/subscriptions\/\S+\/dnsZones\/clusters\.test\. .* AZURE_DNS_ZONE_ID/,
    );
  });

  test("that the resource provider may not see is told with what to do", async () => {
    azure.answers = {
      [zone]: { status: 403, body: { error: { code: "AuthorizationFailed", message: "No." } } },
    };
    const lines = await told();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/dnsZones\/clusters\.test of AZURE_DNS_ZONE_ID \(403\)\. Assign it/);
  });
});

test("a server that isn't trusted is told by its own name, without what was sent to it", async () => {
  await using untrusted = await LocalAzure.start();
  const secret = planted("the-secret-that-was-sent");
  // the credential of the environment tells nothing of what it was refused by but a text
  vi.stubEnv("AZURE_TENANT_ID", untrusted.tenantId);
  vi.stubEnv("AZURE_CLIENT_ID", untrusted.providerApplication.clientId);
  vi.stubEnv("AZURE_CLIENT_SECRET", secret);
  const { url } = untrusted;
  const connection = new AzureConnection(
    { resourceManager: url, authorityHost: url },
    { clock: systemClock },
  );
  const errors: unknown[] = [];
  const lines: string[] = [];
  await tellFailedSignIn(
    {
      signIn: async () => {
        await connection.signIn().catch((error: unknown) => {
          errors.push(error);
          throw error;
        });
      },
    },
    { warn: (_fields, message) => lines.push(message) },
  );
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/does not trust .*\(UNABLE_TO_[A-Z_]+\).*NODE_EXTRA_CA_CERTS/);
  expect(inspect(errors, { depth: 10, showHidden: true })).not.toContain(secret);
  // nobody has refused it: a step waits as in every outage
  expect(errors.map((error) => isSignInUnanswered(error))).toEqual([true]);
});
