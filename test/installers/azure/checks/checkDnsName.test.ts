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

function record(metadata?: Readonly<Record<string, string>>) {
  return { body: { properties: { TTL: 300, ...(metadata === undefined ? {} : { metadata }) } } };
}

const ours = record({ "openshift-rp-incarnation": incarnationId });
const anothers = record({ "openshift-rp-incarnation": "another" });
const nobodys = record();

beforeEach(() => {
  azure.requests.length = 0;
  azure.answers = { [zone]: { body: { location: "global" } } };
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
])("refuses when %s is somebody else's", async (place, answer, name) => {
  azure.answers = { ...azure.answers, [`${zone}/${place}`]: answer };
  const { code, message } = await runCheck(azure, checkDnsName);
  expect(code).toBe("DnsRecordExists");
  expect(message).toContain(`The domain mine.clusters.test is taken: ${name} is there already`);
});

test("names both when both are taken, and neither twice", async () => {
  azure.answers = {
    ...azure.answers,
    [`${zone}/a/api.mine`]: anothers,
    [`${zone}/cname/api.mine`]: anothers,
    [`${zone}/a/*.apps.mine`]: anothers,
  };
  expect((await runCheck(azure, checkDnsName)).message).toContain(
    "taken: api.mine.clusters.test and *.apps.mine.clusters.test are there already",
  );
});

test("is content with the cluster's own records", async () => {
  azure.answers = {
    ...azure.answers,
    [`${zone}/cname/api.mine`]: ours,
    [`${zone}/a/*.apps.mine`]: ours,
    [`${zone}/txt/_openshift-rp.mine`]: ours,
  };
  expect((await runCheck(azure, checkDnsName)).done).toBe(true);
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
  azure.answers = {
    [earlier]: { body: { location: "global" } },
    [`${earlier}/a/*.apps.mine`]: anothers,
  };
  const { message } = await runCheck(azure, checkDnsName, { notes: { names } });
  expect(message).toContain("taken: *.apps.mine.earlier.test is");
});

test("a zone that isn't there is the operator's, and no reason to fail the cluster at once", async () => {
  azure.answers = {};
  const failure = await runCheck(azure, checkDnsName).catch((error: unknown) => error);
  expect((failure as Error).message).toMatch(/operator has to look/);
});
