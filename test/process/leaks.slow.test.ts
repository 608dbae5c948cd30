/**
 * Secrets of the real program, those that callers bring and those that it makes itself, looked for in all that it leaves behind:
 * the raw database files while it runs, after a SIGKILL and at rest, every answer but that of the credentials action, its whole log at the
 * finest level, its standard error.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ClusterSecrets } from "../../src/model/clusterSecrets.ts";
import { secretNames } from "../../src/model/clusterSecrets.ts";
import { planted } from "../leaks/leakWatch.ts";
import { formsIn, formsOf } from "../leaks/secretForms.ts";
import { RpProcess, temporaryFolder } from "./rpProcess.ts";
import { StoredState } from "./storedState.ts";

const auth = planted("bGVha3M6cGxhbnRlZC1wdWxsLXNlY3JldA==");
const otherAuth = planted("bGVha3M6YW5vdGhlci1wdWxsLXNlY3JldA==");
const clientSecret = planted('planted~client/secret+with odd & "signs"');
const misplaced = planted("planted-secret-in-a-wrong-place");

const subscription = "/subscriptions/00000000-0000-4000-8000-000000000001";
const clusters = `${subscription}/resourceGroups/g/providers/RedHat.OpenShift/OpenShiftClusters`;
const subnets = `${subscription}/resourceGroups/n/providers/Microsoft.Network/virtualNetworks/v/subnets`;
const preview = "api-version=2019-12-31-preview";
const stable = "api-version=2020-04-30";

function pullSecretOf(value: string): string {
  return JSON.stringify({ auths: { "quay.example": { auth: value } } });
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

const previewBody = {
  location: "eastus",
  properties: { pullSecret: base64(pullSecretOf(auth)) },
};
const stableBody = {
  location: "eastus",
  properties: {
    clusterProfile: {
      domain: "stable",
      resourceGroupId: `${subscription}/resourceGroups/machines`,
      pullSecret: pullSecretOf(auth),
    },
    servicePrincipalProfile: { clientId: "6f3bc0d2-8f0e-4f7a-9a57-2f6f3a3c9d10", clientSecret },
    masterProfile: { subnetId: `${subnets}/control-plane` },
    workerProfiles: [{ name: "worker", subnetId: `${subnets}/workers` }],
  },
};

/** Every answer so far, the credentials action's apart. */
class Asked {
  readonly answers: string[] = [];
  rp!: RpProcess;

  async ask(method: string, path: string, body?: unknown): Promise<number> {
    const response = await fetch(`${this.rp.url}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : {
            headers: { "Content-Type": "application/json" },
            body: typeof body === "string" ? body : JSON.stringify(body),
          }),
    });
    const headers = JSON.stringify([...response.headers]);
    this.answers.push(`${method} ${path} ${response.status} ${headers} ${await response.text()}`);
    return response.status;
  }

  async until(name: string, state: string): Promise<void> {
    const before = this.answers.length;
    for (;;) {
      await this.ask("GET", `${clusters}/${name}?${stable}`);
      if (this.answers.at(-1)?.includes(`"provisioningState": "${state}"`) === true) break;
      // all of these look alike
      this.answers.splice(before, this.answers.length - before - 1);
    }
  }
}

/** Bodies with a secret where none belongs, or of a wrong form. */
function badBodies(): readonly unknown[] {
  const { properties } = stableBody;
  const principal = properties.servicePrincipalProfile;
  const withProperties = (members: object): object => ({
    ...stableBody,
    properties: { ...properties, ...members },
  });
  return [
    `{"location": "eastus", "properties": {"pullSecret": "${misplaced}"`,
    `"${misplaced}"`,
    [misplaced],
    withProperties({ clusterProfile: { ...properties.clusterProfile, pullSecret: misplaced } }),
    withProperties({ clusterProfile: { ...properties.clusterProfile, pullSecret: [misplaced] } }),
    withProperties({
      clusterProfile: {
        ...properties.clusterProfile,
        pullSecret: pullSecretOf(misplaced).slice(1),
      },
    }),
    withProperties({ servicePrincipalProfile: { ...principal, clientId: misplaced } }),
    withProperties({ servicePrincipalProfile: { ...principal, clientSecret: { misplaced } } }),
    withProperties({ clientSecret: misplaced }),
    withProperties({ kubeadminPassword: misplaced }),
    withProperties({ masterProfile: { ...properties.masterProfile, pullSecret: misplaced } }),
    { ...stableBody, secrets: { pullSecret: misplaced } },
  ];
}

/** What is sealed in the database, opened with the key beside it. */
function sealedSecrets(folder: string): readonly string[] {
  using state = new StoredState(folder);
  const secrets = state.clusters().map((document): ClusterSecrets => document.secrets);
  const values = new Set(secrets.flatMap((each) => Object.values(each) as string[]));
  // all that an installation makes is among them
  const names = new Set(secrets.flatMap((each) => Object.keys(each)));
  expect([...names].toSorted()).toEqual([...secretNames].toSorted());
  return [...values].flatMap((value) => [value, ...piecesOf(value)]);
}

/** Lines and embedded base64 that would give it away by themselves. */
function piecesOf(value: string): readonly string[] {
  return value.match(/[A-Za-z0-9+/]{40,}={0,2}/g) ?? [];
}

function databaseFiles(folder: string): ReadonlyMap<string, Buffer> {
  const names = readdirSync(folder).filter((name) => name.startsWith("rp.sqlite"));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

test("no secret is found anywhere but in the key's keeping and the credentials action", async () => {
  using folder = temporaryFolder();
  const settings = {
    DATA_DIR: folder.path,
    LOG_LEVEL: "debug",
    ADMIN_PORT: "0",
    LOCAL_INSTALL_SECONDS: "0.6",
    HEARTBEAT_SECONDS: "0.5",
    LEASE_SECONDS: "2",
    VISIBILITY_SECONDS: "2.5",
  };
  const left = new Map<string, string | Uint8Array>();
  const keep = (when: string): void => {
    for (const [name, bytes] of databaseFiles(folder.path)) left.set(`${name} ${when}`, bytes);
  };
  const asked = new Asked();

  const first = await RpProcess.start(settings);
  asked.rp = first;
  expect(await asked.ask("PUT", `${clusters}/preview?${preview}`, previewBody)).toBe(201);
  expect(await asked.ask("PUT", `${clusters}/stable?${stable}`, stableBody)).toBe(201);
  for (const body of badBodies()) {
    expect(await asked.ask("PUT", `${clusters}/bad?${stable}`, body)).toBe(400);
    expect(await asked.ask("PATCH", `${clusters}/stable?${stable}`, body)).toBeGreaterThan(399);
  }
  await first.logged(({ phase }) => phase === "DeployResources");
  keep("while it works");
  first.kill("SIGKILL");
  await first.exit();
  keep("after a SIGKILL");

  await using second = await RpProcess.start(settings);
  asked.rp = second;
  await asked.until("preview", "Succeeded");
  await asked.until("stable", "Succeeded");
  const credentials = await fetch(`${second.url}${clusters}/stable/listCredentials?${stable}`, {
    method: "POST",
  });
  const { kubeadminPassword } = (await credentials.json()) as { kubeadminPassword: string };
  const renewed = {
    properties: { clusterProfile: { pullSecret: pullSecretOf(otherAuth) } },
  };
  expect(await asked.ask("PATCH", `${clusters}/stable?${stable}`, renewed)).toBe(202);
  await asked.until("stable", "Succeeded");
  // one that fails, as its attempts are used up
  using state = new StoredState(folder.path);
  const scaled = { properties: { workerProfiles: [{ name: "worker", count: 7 }] } };
  second.kill("SIGTERM");
  await second.exit();
  await using web = await RpProcess.start({ ...settings, ROLES: "frontend" });
  asked.rp = web;
  expect(await asked.ask("PATCH", `${clusters}/preview?${preview}`, scaled)).toBe(202);
  state.edit<"cluster">(state.cluster("preview").document, (document) => ({
    ...document,
    work: { ...document.work, attempts: 5 },
  }));
  await using work = await RpProcess.start({ ...settings, ROLES: "forwarder,backend" });
  await asked.until("preview", "Failed");
  for (const path of [
    `${clusters}?${preview}`,
    `${clusters}?${stable}&$top=1`,
    `${clusters}/preview?${preview}`,
    "/docs",
    "/healthz/ready",
    `/openapi/2020-04-30.json`,
  ]) {
    await asked.ask("GET", path);
  }
  const admin = await fetch(
    `${String(work.log.find(({ adminUrl }) => adminUrl)?.["adminUrl"])}/metrics`,
  );
  left.set("the metrics", await admin.text());
  const secrets = sealedSecrets(folder.path);
  expect(secrets).toContain(kubeadminPassword);
  expect(secrets).toContain(clientSecret);
  keep("at its end");
  for (const rp of [web, work]) {
    rp.kill("SIGTERM");
    await rp.exit();
  }
  keep("at rest");
  for (const [at, rp] of [first, second, web, work].entries()) {
    left.set(`the log of process ${at}`, rp.log.map((line) => JSON.stringify(line)).join("\n"));
    left.set(`the errors of process ${at}`, rp.errors);
  }
  left.set("the answers", asked.answers.join("\n"));

  const looked = [...new Set([...secrets, auth, otherAuth, clientSecret, misplaced])];
  const leaks = looked.flatMap((secret) => {
    const forms = formsOf(secret);
    return [...left].flatMap(([place, text]) =>
      formsIn(text, forms).map((form) => `${place}: ${form} of ${secret.slice(0, 16)}`),
    );
  });
  expect(leaks).toEqual([]);
  // and what is no secret is found there
  const known = formsOf("OpenShiftClusters/stable");
  for (const place of ["rp.sqlite at rest", "rp.sqlite-wal while it works", "the answers"]) {
    expect([place, formsIn(left.get(place) ?? "", known)]).toEqual([
      place,
      expect.arrayContaining(["clear"]),
    ]);
  }
  expect(formsIn(left.get("the log of process 1") ?? "", known)).toContain("clear");
});
