/** An answer that shows more than the contract says fails its validation: that is how a leaked secret is found. */
import { beforeAll, describe, expect, test } from "vitest";
import type { OpenAPIBackend } from "openapi-backend";
import { bodies, spotsIn, withAt, type Json } from "./bodies.ts";
import { backend, keywordsOf, runtimeDocument, versions } from "./generated.ts";

/** Every operation and status that answers with a cluster. */
const showing: readonly (readonly [string, number])[] = [
  ["OpenShiftClusters_Get", 200],
  ["OpenShiftClusters_CreateOrUpdate", 200],
  ["OpenShiftClusters_CreateOrUpdate", 201],
  ["OpenShiftClusters_Update", 200],
  ["OperationResults_Get", 200],
];

describe.each(versions)("%s", (version) => {
  let api: OpenAPIBackend;
  beforeAll(async () => {
    api = await backend(version);
  });
  const faults = (operationId: string, status: number, body: unknown): readonly string[] => {
    const { errors } = api.validateResponse(body, operationId, status);
    return (errors ?? []).map(({ instancePath, keyword, params }) => {
      const { additionalProperty = "" } = params as Record<string, string>;
      return `${instancePath} ${keyword} ${additionalProperty}`.trim();
    });
  };

  const { shown, asked, credentials } = bodies[version];
  const cluster: Json = {
    id: "/subscriptions/s/resourceGroups/g/providers/RedHat.OpenShift/OpenShiftClusters/n",
    name: "n",
    type: "RedHat.OpenShift/OpenShiftClusters",
    location: "eastus",
    tags: { any: "thing" },
    etag: '"1"',
    systemData: { createdBy: "me", createdByType: "Robot", createdAt: "whenever" },
    properties: shown,
  };
  /** What a caller sets and nobody is shown. */
  const secrets = spotsIn(asked).filter(({ place }) => String(place.at(-1)).endsWith("Secret"));

  test.each(showing)("%s %i answers with a cluster and nothing else", (operationId, status) => {
    expect(faults(operationId, status, cluster)).toEqual([]);
    expect(faults(operationId, status, { ...cluster, _etag: "x" })).toEqual([
      "additionalProperties _etag",
    ]);
    expect(secrets.length).toBeGreaterThan(0);
    for (const { place, path } of secrets) {
      const [name, ...outer] = path.split("/").toReversed();
      const inside = outer.toReversed().join("/");
      expect(faults(operationId, status, withAt(cluster, place, "x"))).toEqual([
        `${inside} additionalProperties ${name}`,
      ]);
    }
  });

  test("ARM-60: a list shows no more of a cluster than a GET", () => {
    for (const operationId of [
      "OpenShiftClusters_ListByResourceGroup",
      "OpenShiftClusters_ListBySubscription",
    ]) {
      expect(faults(operationId, 200, { value: [cluster], nextLink: "https://x" })).toEqual([]);
      for (const { place } of secrets) {
        const [fault = "", ...others] = faults(operationId, 200, {
          value: [withAt(cluster, place, "x")],
        });
        expect(fault).toMatch(/^\/value\/0\/properties.* additionalProperties \w+Secret$/);
        expect(others).toEqual([]);
      }
      expect(faults(operationId, 200, { value: [], count: 0 })).toEqual([
        "additionalProperties count",
      ]);
      expect(faults(operationId, 200, { value: null })).toEqual(["/value type"]);
    }
  });

  test("nothing is undeclared inside the parts of a cluster", () => {
    const get = (body: unknown): readonly string[] => faults("OpenShiftClusters_Get", 200, body);
    expect(get({ ...cluster, tags: { a: 1 } })).toEqual(["/tags/a type"]);
    const objects = spotsIn(cluster).filter(
      ({ value, path }) => typeof value === "object" && !Array.isArray(value) && path !== "/tags",
    );
    expect(objects.length).toBeGreaterThan(4);
    for (const { place, path } of objects) {
      expect(get(withAt(cluster, [...place, "x"], 1))).toEqual([
        `${path} additionalProperties x`.trim(),
      ]);
    }
  });

  test("states that the contract doesn't name may be shown", () => {
    const body = { ...cluster, properties: { ...shown, provisioningState: "Resting" } };
    expect(faults("OpenShiftClusters_Get", 200, body)).toEqual([]);
  });

  test("credentials are what is said of them and nothing else", () => {
    const actions = Object.values(runtimeDocument(version).paths)
      .flatMap((methods) => Object.values(methods))
      .map(({ operationId }) => operationId)
      .filter((operationId) => operationId.endsWith("Credentials"));
    expect(actions).toContain("OpenShiftClusters_ListCredentials");
    for (const operationId of actions) {
      expect(faults(operationId, 200, credentials)).toEqual([]);
      expect(faults(operationId, 200, { ...credentials, kubeconfig: "k" })).toEqual([
        "additionalProperties kubeconfig",
      ]);
      const missed = Object.keys(credentials).map(() => "required");
      expect(faults(operationId, 200, {})).toEqual(missed);
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

  test("ARM-92: an error has ARM's shape, at any depth", () => {
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

  test("ARM-17: every object of an answer is closed or a map", () => {
    const schemas = keywordsOf(runtimeDocument(version).components.schemas)
      .map(([, value]) => value as Record<string, unknown>)
      .filter((value) => value?.["type"] === "object");
    expect(schemas.length).toBeGreaterThan(10);
    for (const schema of schemas) expect(schema).toHaveProperty("additionalProperties");
  });
});
