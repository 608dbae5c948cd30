/** A domain that another cluster has is told before anything is built; the cluster's own records are no fault. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { checkDnsName } from "../../../../src/installers/azure/checks/checkDnsName.ts";
import { AzureAnswers, incarnationId, runCheck, subscriptionId } from "./azureAnswers.ts";

const zone = `GET /subscriptions/${subscriptionId}/resourcegroups/dns/providers/microsoft.network/dnszones/clusters.test`;
let azure: AzureAnswers;

beforeAll(async () => {
  azure = await AzureAnswers.start();
});

afterAll(async () => azure[Symbol.asyncDispose]());

const ours = { "openshift-rp-incarnation": incarnationId };
const anothers = { "openshift-rp-incarnation": "another" };
const nobodys = {};

/** A zone with record sets: type and name, and whose each is. */
function zoneWith(records: Readonly<Record<string, object>>, at = zone) {
  const value = Object.entries(records).map(([place, metadata]) => {
    const [type = "", name] = place.split("/");
    const properties = { TTL: 300, metadata };
    return { name, type: `Microsoft.Network/dnsZones/${type.toUpperCase()}`, properties };
  });
  return {
    [at]: { body: { location: "global" } },
    [`${at}/recordsets`]: { body: { value } },
    ...Object.fromEntries(
      value.map((body) => [
        `${at}/${body.type.split("/")[2]?.toLowerCase()}/${body.name}`,
        { body },
      ]),
    ),
  };
}

beforeEach(() => {
  azure.requests.length = 0;
  azure.answers = zoneWith({ "soa/@": nobodys, "ns/@": nobodys, "a/api.other": anothers });
});

test("free names are free", async () => {
  expect(await runCheck(azure, checkDnsName)).toEqual({ done: true, notes: {} });
});

test.each([
  ["cname/api.mine", anothers, "api.mine.clusters.test"],
  ["cname/api.mine", nobodys, "api.mine.clusters.test"],
  ["a/api.mine", anothers, "api.mine.clusters.test"],
  ["a/*.apps.mine", anothers, "*.apps.mine.clusters.test"],
  ["cname/*.apps.mine", nobodys, "*.apps.mine.clusters.test"],
  ["txt/_openshift-rp.mine", anothers, "_openshift-rp.mine.clusters.test"],
  ["txt/_openshift-rp.mine", nobodys, "_openshift-rp.mine.clusters.test"],
  ["cname/API.Mine", nobodys, "api.mine.clusters.test"],
  ["aaaa/api.mine", nobodys, "api.mine.clusters.test"],
  ["txt/*.apps.mine", anothers, "*.apps.mine.clusters.test"],
  ["mx/api.mine", nobodys, "api.mine.clusters.test"],
  ["ns/api.mine", nobodys, "api.mine.clusters.test"],
  ["ns/mine", nobodys, "mine.clusters.test"],
  ["ns/apps.mine", nobodys, "apps.mine.clusters.test"],
])("refuses when %s is somebody else's", async (place, answer, name) => {
  azure.answers = zoneWith({ [place]: answer });
  const { code, message } = await runCheck(azure, checkDnsName);
  expect(code).toBe("DnsRecordExists");
  expect(message).toContain(`The domain mine.clusters.test is taken: ${name} is there already`);
  expect(message).toMatch(/Delete this cluster and create it anew with another domain\.$/);
});

test("names both when both are taken, and neither twice", async () => {
  azure.answers = zoneWith({
    "a/api.mine": anothers,
    "cname/api.mine": anothers,
    "a/*.apps.mine": anothers,
  });
  expect((await runCheck(azure, checkDnsName)).message).toContain(
    "taken: api.mine.clusters.test and *.apps.mine.clusters.test are there already",
  );
});

test("is content with the cluster's own records", async () => {
  azure.answers = zoneWith({
    "cname/api.mine": ours,
    "a/*.apps.mine": ours,
    "txt/_openshift-rp.mine": ours,
  });
  expect((await runCheck(azure, checkDnsName)).done).toBe(true);
});

test.each(["cname/api.mine", "a/*.apps.mine", "ns/mine", "ns/apps.mine"])(
  "finds %s by its name, should the listing leave it out",
  async (place) => {
    azure.answers = {
      ...zoneWith({ [place]: nobodys }),
      [`${zone}/recordsets`]: { body: { value: [] } },
    };
    expect((await runCheck(azure, checkDnsName)).code).toBe("DnsRecordExists");
  },
);

test("is content with records that take nothing from it", async () => {
  azure.answers = zoneWith({ "txt/mine": nobodys, "a/mine": nobodys, "a/x.apps.mine": nobodys });
  expect((await runCheck(azure, checkDnsName)).done).toBe(true);
});

test("reads all pages of what lies below the label, and asks for nothing else", async () => {
  const { [`${zone}/recordsets`]: first, ...others } = zoneWith({ "a/api.other": nobodys });
  azure.answers = {
    ...others,
    [`${zone}/recordsets`]: { body: { ...first?.body, nextLink: `${azure.url}/records/2` } },
    "GET /records/2": zoneWith({ "caa/api.mine": nobodys })[`${zone}/recordsets`] ?? {},
  };
  expect((await runCheck(azure, checkDnsName)).code).toBe("DnsRecordExists");
  expect(azure.requests.join()).toMatch(/recordsets\?.*\$recordsetnamesuffix=mine/);
});

test("has no business outside of the zone", async () => {
  const names = {
    mark: "abcdefgh",
    managedGroup: "group",
    clusterDomain: "mine.example.com",
    storageAccount: "clusterabcdefgh",
  };
  expect((await runCheck(azure, checkDnsName, { notes: { names } })).done).toBe(true);
  expect(azure.requests).toEqual([]);
});

test("looks in the zone that the cluster was named in, whatever is set since", async () => {
  const other = "00000000-0000-4000-8000-0000000000ff";
  const names = {
    mark: "abcdefgh",
    managedGroup: "group",
    clusterDomain: "mine.earlier.test",
    label: "mine",
    dnsZone: { subscriptionId: other, resourceGroup: "old", name: "earlier.test" },
    storageAccount: "clusterabcdefgh",
  };
  const earlier = `GET /subscriptions/${other}/resourcegroups/old/providers/microsoft.network/dnszones/earlier.test`;
  azure.answers = zoneWith({ "a/*.apps.mine": anothers }, earlier);
  const { message } = await runCheck(azure, checkDnsName, { notes: { names } });
  expect(message).toContain("taken: *.apps.mine.earlier.test is");
});

test("a zone that isn't there is the operator's, and no reason to fail the cluster at once", async () => {
  azure.answers = {};
  const failure = await runCheck(azure, checkDnsName).catch((error: unknown) => error);
  expect((failure as Error).message).toMatch(/operator has to look: this is no fault/);
  // which one is the log's alone: it may be in a subscription that is none of the cluster's
  expect((failure as Error).message).not.toContain("/subscriptions/");
  expect(((failure as Error).cause as Error).message).toMatch(
    /no DNS zone \/subscriptions\/\S+\/dnsZones\/clusters\.test, which AZURE_DNS_ZONE_ID/,
  );
});
