/** Records in the zone that all clusters share: made once, found again, and never anybody else's. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { asAzureStep } from "../../../../src/installers/azure/failures/azureFailure.ts";
import { createApiRecord } from "../../../../src/installers/azure/resources/createApiRecord.ts";
import { createIngressRecord } from "../../../../src/installers/azure/resources/createIngressRecord.ts";
import { deleteDnsRecords } from "../../../../src/installers/azure/resources/deleteDnsRecords.ts";
import { reserveDomain } from "../../../../src/installers/azure/resources/reserveDomain.ts";
import type { StepContext } from "../../../../src/installers/installer.ts";
import { ScriptedAzure, type ScriptedAnswer } from "../scriptedAzure.ts";
import { incarnationId, names, stepContext } from "../stepContext.ts";

const zone =
  "/subscriptions/99999999-0000-4000-8000-000000000009/resourcegroups/dns/providers/microsoft.network/dnszones/example.com";
const apiPath = `${zone}/cname/api.mycluster-abcdefgh`;
const reservationPath = `${zone}/txt/_openshift-rp.mycluster-abcdefgh`;
const appsPath = `${zone}/a/*.apps.mycluster-abcdefgh`;
let azure: ScriptedAzure;
beforeAll(async () => {
  azure = await ScriptedAzure.start();
});
afterAll(async () => azure[Symbol.asyncDispose]());

interface RecordSet {
  readonly name: string;
  readonly etag: string;
  readonly properties: Record<string, unknown>;
}
/** As Azure DNS keeps them, with its conditions. */
let records: Map<string, RecordSet>;
let etags: number;
/** Called before a write is looked at. */
let beforeWrite: (path: string) => void;
beforeEach(() => {
  records = new Map();
  etags = 0;
  beforeWrite = () => undefined;
  azure.calls.length = 0;
  azure.script = ({ method, path, body, headers }) => {
    if (!path.includes("/dnszones/")) return undefined;
    if (method !== "GET") beforeWrite(path);
    const present = records.get(path);
    if (method === "GET") return present && { status: 200, body: present };
    const fails =
      (headers["if-none-match"] === "*" && present !== undefined) ||
      (headers["if-match"] !== undefined && headers["if-match"] !== present?.etag);
    if (fails)
      return { status: 412, body: { error: { code: "PreconditionFailed", message: "m" } } };
    if (method === "DELETE") {
      records.delete(path);
      return { status: present === undefined ? 204 : 200 };
    }
    const name = path.slice(path.lastIndexOf("/") + 1);
    const record = { ...(body as RecordSet), name, etag: `e${(etags += 1)}` };
    records.set(path, record);
    return { status: 201, body: record };
  };
});

const installation = { azure: { names, infraId: "mycluster-x7k2p" } };
const context = (more: Parameters<typeof stepContext>[0] = {}) =>
  stepContext({ installation, ...more });
const reserve = async (given: StepContext) =>
  asAzureStep(reserveDomain(azure.effects()), azure.effects()).run(given);
const createApi = async (given: StepContext) =>
  asAzureStep(createApiRecord(azure.effects()), azure.effects()).run(given);
const createIngress = async (given: StepContext, address: string | undefined) =>
  asAzureStep(
    createIngressRecord(azure.effects(), async () => address),
    azure.effects(),
  ).run(given);
const remove = async (given: StepContext) =>
  asAzureStep(deleteDnsRecords(azure.effects()), azure.effects()).run(given);
const done = { done: true };
const again = { done: false, againAfterMs: 10_000 };
const foreign = (incarnation: string | undefined): RecordSet => ({
  name: "api.mycluster-abcdefgh",
  etag: "foreign",
  properties: {
    TTL: 300,
    ...(incarnation === undefined ? {} : { metadata: { "openshift-rp-incarnation": incarnation } }),
    CNAMERecord: { cname: "elsewhere.example.org" },
  },
});

/** As the other cluster of the same domain sees it, which is created at the same time. */
const anotherCluster = (): StepContext => {
  const given = context();
  return { ...given, snapshot: { ...given.snapshot, incarnationId: "another" } };
};

/** Done, and the cluster's document knows the address. */
function told(address: string) {
  return { done: true, changes: { ingressIps: { default: address } } };
}

test("are made once, marked, and deleted without a trace", async () => {
  const given = context({ cluster: { location: "East US" } });
  expect(await createApi(given)).toEqual(done);
  expect(await createIngress(given, undefined)).toEqual(again);
  expect(await createIngress(given, "20.1.2.3")).toEqual(told("20.1.2.3"));
  expect(Object.fromEntries(records)).toMatchObject({
    [apiPath]: {
      properties: {
        TTL: 300,
        metadata: { "openshift-rp-incarnation": incarnationId },
        CNAMERecord: { cname: "mycluster-x7k2p.eastus.cloudapp.azure.com" },
      },
    },
    [appsPath]: { properties: { ARecords: [{ ipv4Address: "20.1.2.3" }] } },
  });
  azure.changes();
  expect(await createApi(given)).toEqual(done);
  expect(await createIngress(given, "20.1.2.3")).toEqual(told("20.1.2.3"));
  expect(azure.changes()).toEqual([]);
  expect(await remove(given)).toEqual(done);
  expect(records.size).toBe(0);
  expect(await remove(given)).toEqual(done);
});

describe("that reserve the domain", () => {
  test("are there before anything else, and say in public nothing of whose it is", async () => {
    const given = context();
    expect(await reserve(given)).toEqual(done);
    expect(await reserve(given)).toEqual(done);
    expect(azure.changes()).toHaveLength(1);
    expect([...records.keys()]).toEqual([reservationPath]);
    const { metadata, TXTRecords } = records.get(reservationPath)?.properties ?? {};
    expect(metadata).toEqual({ "openshift-rp-incarnation": incarnationId });
    expect(JSON.stringify(TXTRecords)).not.toMatch(new RegExp(`${incarnationId}|subscriptions`));
    expect(await remove(given)).toEqual(done);
    expect(records.size).toBe(0);
  });

  test("are one cluster's, of two that look at the same moment", async () => {
    const outcomes = await Promise.allSettled([reserve(context()), reserve(anotherCluster())]);
    const results = outcomes.map((each) => (each.status === "fulfilled" ? each.value : "failed"));
    expect(results.filter((each) => JSON.stringify(each) === JSON.stringify(done))).toHaveLength(1);
    const [first, second] = [context(), anotherCluster()];
    const settled = await Promise.allSettled([reserve(first), reserve(second)]);
    expect(settled.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(settled.find((each) => each.status === "rejected")?.reason).toMatchObject({
      code: "DnsRecordExists",
      message: expect.stringMatching(
        /_openshift-rp\.mycluster-abcdefgh\.example\.com .* Delete this cluster and create it anew with/,
      ) as string,
    });
  });

  test("of another cluster stay, whatever becomes of the one that came too late", async () => {
    await reserve(anotherCluster());
    const present = records.get(reservationPath);
    const late = context();
    await expect(reserve(late)).rejects.toMatchObject({ code: "DnsRecordExists" });
    expect(await remove(late)).toEqual(done);
    expect(records.get(reservationPath)).toEqual(present);
  });

  test("go last, so that nobody takes a domain that still has hosts", async () => {
    const given = context();
    await reserve(given);
    await createApi(given);
    await createIngress(given, "20.1.2.3");
    const apps = records.get(appsPath);
    beforeWrite = (path) => {
      // somebody touches it: it can't be deleted on the ETag that was read
      if (path === appsPath && apps !== undefined) records.set(path, { ...apps, etag: "touched" });
    };
    expect(await remove(given)).toEqual(again);
    expect(records.has(reservationPath)).toBe(true);
    beforeWrite = () => undefined;
    azure.calls.length = 0;
    expect(await remove(given)).toEqual(done);
    expect(records.size).toBe(0);
    expect(azure.changes().at(-1)).toBe(`DELETE ${reservationPath}`);
  });

  test("are in no zone of ours where the domain lies elsewhere", async () => {
    const { label: _none, ...elsewhere } = names;
    const given = stepContext({ installation: { azure: { names: elsewhere } } });
    expect(await reserve(given)).toEqual(done);
    expect(azure.changes()).toEqual([]);
  });
});

test("lead to the name that Azure gave the address, whichever cloud it is in", async () => {
  const fqdn = "mycluster-x7k2p.usgovvirginia.cloudapp.usgovcloudapi.net";
  const zoneOnly = azure.script;
  azure.script = (request) =>
    request.path.includes("/publicipaddresses/")
      ? {
          status: 200,
          body: { properties: { ipAddress: "20.1.2.3", dnsSettings: { fqdn } } },
        }
      : zoneOnly(request);
  expect(await createApi(context())).toEqual(done);
  expect(records.get(apiPath)?.properties).toMatchObject({ CNAMERecord: { cname: fqdn } });
});

test("are made in the zone that the cluster was named in, and deleted there, whatever is set since", async () => {
  const subscription = "99999999-0000-4000-8000-000000000008";
  const dnsZone = { subscriptionId: subscription, resourceGroup: "old", name: "earlier.org" };
  const earlier = `/subscriptions/${subscription}/resourcegroups/old/providers/microsoft.network/dnszones/earlier.org`;
  const given = context({
    installation: { azure: { ...installation.azure, names: { ...names, dnsZone } } },
  });
  expect(await createApi(given)).toEqual(done);
  expect(await createIngress(given, "20.1.2.3")).toEqual(told("20.1.2.3"));
  expect([...records.keys()]).toEqual([
    apiPath.replace(zone, earlier),
    appsPath.replace(zone, earlier),
  ]);
  expect(await remove(given)).toEqual(done);
  expect(records.size).toBe(0);
});

test("are noted before they are made", async () => {
  const given = context();
  beforeWrite = () => {
    expect(given.saved).toHaveLength(1);
    throw new Error("the process dies here");
  };
  azure.script = ((script) => (request) => {
    try {
      return script(request);
    } catch {
      return { status: 400, body: { error: { code: "Died", message: "m" } } };
    }
  })(azure.script);
  await expect(createApi(given)).rejects.toThrow("Died");
  expect(JSON.stringify(given.saved)).toContain("/CNAME/api.mycluster-abcdefgh");
});

describe("of somebody else", () => {
  test.each([
    ["another incarnation's", "other"],
    ["nobody's", undefined],
  ])("are left alone: %s", async (_whose, incarnation) => {
    records.set(apiPath, foreign(incarnation));
    const given = context();
    await expect(createApi(given)).rejects.toMatchObject({
      code: "DnsRecordExists",
      message: expect.stringContaining("api.mycluster-abcdefgh.example.com") as string,
    });
    expect(azure.changes()).toEqual([]);
  });

  test("that came between the look and the write are found at the next look", async () => {
    const given = context();
    beforeWrite = (path) => records.set(path, foreign("other"));
    expect(await createApi(given)).toEqual(again);
    await expect(createApi(given)).rejects.toMatchObject({ code: "DnsRecordExists" });
    expect(await remove(given)).toEqual(done);
    expect(records.get(apiPath)).toEqual(foreign("other"));
  });

  test("that take a record's place while it is being deleted stay", async () => {
    const given = context();
    await createApi(given);
    beforeWrite = (path) => records.set(path, foreign("other"));
    expect(await remove(given)).toEqual(again);
    expect(await remove(given)).toEqual(done);
    expect(records.get(apiPath)).toEqual(foreign("other"));
  });
});

test("that an earlier worker made just now are taken as ours", async () => {
  const given = context();
  beforeWrite = (path) => {
    if (!records.has(path)) {
      records.set(path, {
        name: "api.mycluster-abcdefgh",
        etag: "e",
        properties: {
          TTL: 300,
          metadata: { "openshift-rp-incarnation": incarnationId },
          CNAMERecord: { cname: "mycluster-x7k2p.eastus.cloudapp.azure.com." },
        },
      });
    }
  };
  expect(await createApi(given)).toEqual(again);
  expect(await createApi(given)).toEqual(done);
});

test("follow the ingress to another address", async () => {
  const given = context();
  await createIngress(given, "20.1.2.3");
  expect(await createIngress(given, "20.1.2.4")).toEqual(told("20.1.2.4"));
  expect(records.get(appsPath)).toMatchObject({
    properties: { ARecords: [{ ipv4Address: "20.1.2.4" }] },
  });
});

test("are none of ours where the API is private or the domain lies elsewhere", async () => {
  expect(await createApi(context({ cluster: { apiserverVisibility: "Private" } }))).toEqual(done);
  const { label: _none, ...elsewhere } = names;
  const infraId = "mycluster-x7k2p";
  const given = stepContext({ installation: { azure: { names: elsewhere, infraId } } });
  expect(await createApi(given)).toEqual(done);
  expect(await createIngress(given, "20.1.2.3")).toEqual(told("20.1.2.3"));
  expect(await remove(stepContext())).toEqual(done);
  expect(azure.changes()).toEqual([]);
  expect(records.size).toBe(0);
});

test.each<[string, ScriptedAnswer]>([
  ["nothing", { status: 200, body: {} }],
  ["a page of a proxy", { status: 404, headers: { "content-type": "text/html" }, body: "<html>" }],
])("are neither somebody's nor gone when an odd answer tells of %s", async (_what, answer) => {
  const given = context();
  await createApi(given);
  azure.changes();
  const whole = azure.script;
  azure.script = (request) => (request.path === apiPath ? answer : whole(request));
  for (const act of [createApi, remove]) {
    const outcome = await act(given).then(
      ({ done: isDone }) => isDone,
      (thrown: unknown) => (thrown as Error).name,
    );
    expect([false, "AzureCallError"]).toContain(outcome);
  }
  expect(azure.changes()).toEqual([]);
});
