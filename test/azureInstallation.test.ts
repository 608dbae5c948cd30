/** The installer on Azure is put together where folders with secrets of killed processes may lie, and they go then. */
import { once } from "node:events";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import type { TokenCredential } from "@azure/core-auth";
import { AuthenticationError } from "@azure/identity";
import {
  installerOnAzure,
  stateSealing,
  type InstallationSurroundings,
} from "../src/azureInstallation.ts";
import { StateKeyUnknownError } from "../src/installers/azure/azureEffects.ts";
import { PrivateFolder } from "../src/installers/azure/assets/privateFolder.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { silentLog, type Log } from "../src/runtime/log.ts";
import { KeyRing } from "../src/store/keyRing.ts";
import type { SealingKey } from "../src/store/sealedSecrets.ts";
import { temporaryFolder } from "./process/rpProcess.ts";
import { newKey, TestKeys } from "./store/sealedStoreFixture.ts";

const settings = {
  dnsZone: { subscriptionId: "s", resourceGroup: "dns", name: "example.com" },
  installProgram: "/nowhere",
  endpoints: { resourceManager: "https://localhost", authorityHost: "https://localhost" },
  pollMs: 10_000,
};

/** Nobody signs in to Azure in these tests. */
const credential = (): TokenCredential => ({
  getToken: async () => ({ token: "token", expiresOnTimestamp: Date.now() + 3_600_000 }),
});

async function keys(): Promise<KeyRing> {
  return KeyRing.open({ source: new TestKeys(newKey("only")), clock: systemClock });
}

async function given(log: Log = silentLog): Promise<InstallationSurroundings> {
  return { keys: await keys(), log, credential, stop: new AbortController().signal };
}

test("a start waits for no sign-in, and one that is refused is told once, without what it said", async () => {
  const warned: string[] = [];
  const log: Log = {
    ...silentLog,
    warn: (fields, message) => warned.push(JSON.stringify([fields, message])),
  };
  const refusals = Promise.withResolvers<never>();
  const installer = await installerOnAzure(settings, {
    ...(await given(log)),
    credential: () => ({ getToken: async () => refusals.promise }),
  });
  expect(installer.name).toBe("azure");
  expect(warned).toEqual([]);
  refusals.reject(
    new AuthenticationError(401, {
      error: "invalid_client",
      error_description: "AADSTS7000215: Invalid client secret provided: very-secret-value.",
    }),
  );
  await expect.poll(() => warned).toHaveLength(1);
  expect(warned[0]).toMatch(/could not sign in to Azure \(AADSTS7000215\).*AZURE_CLIENT_SECRET/);
  expect(warned[0]).not.toContain("very-secret-value");
});

test("what a killed process has left is removed, what a living one uses stays", async () => {
  using parent = temporaryFolder({ holdsSecrets: true });
  const child = spawn("/bin/sh", ["-c", "exit 0"]);
  await once(child, "exit");
  await using used = await PrivateFolder.make(parent.path);
  const left = join(
    parent.path,
    basename(used.path).replace(`-${process.pid}-`, `-${child.pid ?? 0}-`),
  );
  mkdirSync(left);
  writeFileSync(join(left, "secret"), "left");
  expect(
    (await installerOnAzure(settings, { ...(await given()), parentFolder: parent.path })).name,
  ).toBe("azure");
  expect(existsSync(left)).toBe(false);
  expect(existsSync(used.path)).toBe(true);
});

test("a folder that can't be read does not keep it from the start", async () => {
  expect(
    (await installerOnAzure(settings, { ...(await given()), parentFolder: "/nowhere" })).name,
  ).toBe("azure");
});

test("what is sealed opens for who has the key, and says which one is missing for who doesn't", async () => {
  const [old, newer] = [newKey("old"), newKey("newer")];
  const sealingBy = async (...all: readonly SealingKey[]) =>
    stateSealing(await KeyRing.open({ source: new TestKeys(...all), clock: systemClock }));
  const plain = Buffer.from("what a cluster begins with");
  const sealed = await (await sealingBy(old)).seal(plain, "cluster");
  expect(await (await sealingBy(newer, old)).open(sealed, "cluster")).toEqual(plain);
  const failure = await (
    await sealingBy(newer)
  )
    .open(sealed, "cluster")
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(StateKeyUnknownError);
  expect(failure).toMatchObject({ keyId: "old" });
  // changed is not the same as a missing key
  const other = await (
    await sealingBy(old)
  )
    .open(sealed, "another")
    .catch((error: unknown) => error);
  expect(other).not.toBeInstanceOf(StateKeyUnknownError);
  expect(other).toBeInstanceOf(Error);
});
