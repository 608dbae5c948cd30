/** An answer that shows more than the contract says fails its validation: that is how a leaked secret is found. */
import { beforeAll, expect, test } from "vitest";
import type { OpenAPIBackend } from "openapi-backend";
import type { ApiVersionName } from "../../generated/types/operationIds.ts";
import { backend, keywordsOf, runtimeDocument } from "./generated.ts";

const version: ApiVersionName = "2019-12-31-preview";
let api: OpenAPIBackend;
beforeAll(async () => {
  api = await backend(version);
});

function faults(operationId: string, status: number, body: unknown): readonly string[] {
  const { errors } = api.validateResponse(body, operationId, status);
  return (errors ?? []).map(({ instancePath, keyword, params }) => {
    const { additionalProperty = "" } = params as Record<string, string>;
    return `${instancePath} ${keyword} ${additionalProperty}`.trim();
  });
}

const settings = {
  networkProfile: { vnetCidr: "10.0.0.0/16" },
  masterProfile: { vmSize: "Standard_D8s_v3" },
  workerProfiles: [{ name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 3 }],
  apiserverURL: "https://api.example.com:6443/",
  consoleURL: "https://console.example.com/",
  provisioningState: "Succeeded",
};
const cluster = {
  id: "/subscriptions/s/resourceGroups/g/providers/RedHat.OpenShift/OpenShiftClusters/n",
  name: "n",
  type: "RedHat.OpenShift/OpenShiftClusters",
  location: "eastus",
  tags: { any: "thing" },
  etag: '"1"',
  systemData: { createdBy: "me", createdByType: "Robot", createdAt: "whenever" },
  properties: settings,
};

/** Every operation and status that answers with a cluster. */
const showing: readonly (readonly [string, number])[] = [
  ["OpenShiftClusters_Get", 200],
  ["OpenShiftClusters_CreateOrUpdate", 200],
  ["OpenShiftClusters_CreateOrUpdate", 201],
  ["OpenShiftClusters_Update", 200],
  ["OperationResults_Get", 200],
];

test.each(showing)("%s %i answers with a cluster and nothing else", (operationId, status) => {
  expect(faults(operationId, status, cluster)).toEqual([]);
  expect(faults(operationId, status, { ...cluster, _etag: "x" })).toEqual([
    "additionalProperties _etag",
  ]);
  const leaking = { ...cluster, properties: { ...settings, pullSecret: "x" } };
  expect(faults(operationId, status, leaking)).toEqual([
    "/properties additionalProperties pullSecret",
  ]);
});

test("a list shows no more of a cluster than a GET", () => {
  const leaking = { ...cluster, properties: { ...settings, pullSecret: "x" } };
  for (const operationId of [
    "OpenShiftClusters_ListByResourceGroup",
    "OpenShiftClusters_ListBySubscription",
  ]) {
    expect(faults(operationId, 200, { value: [cluster], nextLink: "https://x" })).toEqual([]);
    expect(faults(operationId, 200, { value: [leaking] })).toEqual([
      "/value/0/properties additionalProperties pullSecret",
    ]);
    expect(faults(operationId, 200, { value: [], count: 0 })).toEqual([
      "additionalProperties count",
    ]);
    expect(faults(operationId, 200, { value: null })).toEqual(["/value type"]);
  }
});

test("nothing is undeclared inside the parts of a cluster", () => {
  const get = (body: unknown): readonly string[] => faults("OpenShiftClusters_Get", 200, body);
  expect(get({ ...cluster, systemData: { x: 1 } })).toEqual(["/systemData additionalProperties x"]);
  expect(get({ ...cluster, tags: { a: 1 } })).toEqual(["/tags/a type"]);
  const inside = (change: object): object => ({
    ...cluster,
    properties: { ...settings, ...change },
  });
  expect(get(inside({ networkProfile: { x: 1 } }))).toEqual([
    "/properties/networkProfile additionalProperties x",
  ]);
  expect(get(inside({ workerProfiles: [{ name: "worker", x: 1 }] }))).toEqual([
    "/properties/workerProfiles/0 additionalProperties x",
  ]);
});

test("states that the contract doesn't name may be shown", () => {
  const body = { ...cluster, properties: { ...settings, provisioningState: "Resting" } };
  expect(faults("OpenShiftClusters_Get", 200, body)).toEqual([]);
});

test("credentials are the password and nothing else", () => {
  for (const operationId of [
    "OpenShiftClusters_GetCredentials",
    "OpenShiftClusters_ListCredentials",
  ]) {
    expect(faults(operationId, 200, { kubeadminPassword: "p" })).toEqual([]);
    expect(faults(operationId, 200, { kubeadminPassword: "p", kubeconfig: "k" })).toEqual([
      "additionalProperties kubeconfig",
    ]);
    expect(faults(operationId, 200, {})).toEqual(["required"]);
  }
});

test("a status tells times, progress and an error", () => {
  const error = { code: "InstallationFailed", message: "m" };
  const status = {
    id: "/subscriptions/s/providers/RedHat.OpenShift/locations/l/operationStatuses/o",
    name: "o",
    status: "Failed",
    startTime: "2020-01-07T10:15:00Z",
    endTime: "2020-01-07T10:58:12Z",
    percentComplete: 66,
    error,
  };
  expect(faults("OperationStatuses_Get", 200, status)).toEqual([]);
  expect(faults("OperationStatuses_Get", 200, { ...status, owner: "w" })).toEqual([
    "additionalProperties owner",
  ]);
});

test("an error has ARM's shape, at any depth", () => {
  const part = { code: "InvalidParameter", message: "m", target: "location" };
  const error = (details: unknown[]): object => ({ error: { ...part, details } });
  const answer = (body: unknown): readonly string[] => faults("OpenShiftClusters_Get", 400, body);
  expect(answer(error([{ ...part, additionalInfo: [{ type: "t", info: { a: [1] } }] }]))).toEqual(
    [],
  );
  expect(answer(error([{ ...part, details: [{ ...part, stack: "at" }] }]))).toEqual([
    "/error/details/0/details/0 additionalProperties stack",
  ]);
  expect(answer({ ...error([]), status: 400 })).toEqual(["additionalProperties status"]);
});

test("every object of an answer is closed or a map", () => {
  const schemas = keywordsOf(runtimeDocument(version).components.schemas)
    .map(([, value]) => value as Record<string, unknown>)
    .filter((value) => value?.["type"] === "object");
  expect(schemas.length).toBeGreaterThan(10);
  for (const schema of schemas) expect(schema).toHaveProperty("additionalProperties");
});
