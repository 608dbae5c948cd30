/** The server's document loads: quietly as the server does it, and without a fault when everything is checked. */
import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { OpenAPIBackend, type Document } from "openapi-backend";
import { operationIds } from "../../generated/types/operationIds.ts";
import { backend, emittedDocument, keywordsOf, runtimeDocument, versions } from "./generated.ts";

const consoleMethods = ["debug", "error", "info", "log", "warn"] as const;

test.each(versions)(
  "%s loads without a word, and compiles under ajv's strict mode",
  async (version) => {
    const spies = consoleMethods.map((method) => vi.spyOn(console, method).mockReturnValue());
    const api = new OpenAPIBackend({
      definition: runtimeDocument(version) as unknown as Document,
      strict: true,
      ajvOpts: { allErrors: true, strict: true },
    });
    await api.init();
    const loaded = api.getOperations().map(({ operationId = "" }) => operationId);
    expect(loaded.toSorted()).toEqual([...operationIds[version]].toSorted());

    const quick = await backend(version);
    for (const { operationId = "" } of quick.getOperations()) {
      quick.validateResponse({}, operationId);
      quick.validator.getRequestValidatorsForOperation(operationId);
    }
    expect(spies.flatMap((spy) => spy.mock.calls)).toEqual([]);
  },
);

/** Those that belong to no api-version. They name formats, which are annotations. */
test.each(["arm", "admin"] as const)("%s loads with everything checked", async (service) => {
  const file = new URL(`../../generated/${service}/openapi.json`, import.meta.url);
  const spies = consoleMethods.map((method) => vi.spyOn(console, method).mockReturnValue());
  const api = new OpenAPIBackend({
    definition: JSON.parse(readFileSync(file, "utf8")) as Document,
    strict: true,
    ajvOpts: { allErrors: true, formats: { "date-time": true, url: true, uri: true } },
  });
  await api.init();
  // the requests' validators are compiled with it
  expect(Object.keys(api.validator.requestValidators)).not.toEqual([]);
  expect(spies.flatMap((spy) => spy.mock.calls)).toEqual([]);
});

test.each(versions)("%s keeps the paths, methods and statuses of the contract", (version) => {
  const shape = (document: ReturnType<typeof runtimeDocument>): unknown =>
    Object.entries(document.paths).map(([path, methods]) => [
      path,
      Object.entries(methods).map(([method, { responses }]) => [method, Object.keys(responses)]),
    ]);
  expect(shape(runtimeDocument(version))).toEqual(shape(emittedDocument(version)));
});

test.each(versions)("%s has no format, annotation or composition left in a schema", (version) => {
  const document = runtimeDocument(version);
  const schemas = [
    document.components.schemas,
    keywordsOf(document.paths).filter(([keyword]) => keyword === "schema"),
  ];
  const keywords = new Set(keywordsOf(schemas).map(([keyword]) => keyword));
  expect(keywords).toContain("additionalProperties");
  const gone = ["allOf", "anyOf", "oneOf", "format", "default", "readOnly", "title"];
  expect(gone.filter((keyword) => keywords.has(keyword))).toEqual([]);
});

test.each(versions)("%s has no component that nothing refers to", (version) => {
  const document = runtimeDocument(version);
  const references = new Set(
    keywordsOf(document).flatMap(([keyword, value]) => (keyword === "$ref" ? [value] : [])),
  );
  const names = Object.keys(document.components.schemas);
  expect(names).not.toEqual([]);
  expect(names.filter((name) => !references.has(`#/components/schemas/${name}`))).toEqual([]);
});

test.each(versions)("%s has the routes that ARM and its users know", (version) => {
  const scope = "/subscriptions/{subscriptionId}";
  const group = `${scope}/resourceGroups/{resourceGroupName}`;
  const provider = "providers/RedHat.OpenShift";
  const cluster = `${group}/${provider}/OpenShiftClusters/{resourceName}`;
  const routes = Object.entries(runtimeDocument(version).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, { operationId, responses }]) =>
        `${operationId}: ${method} ${path} ${Object.keys(responses).join()}`,
    ),
  );
  // the first version's own way to the credentials (decision 8)
  const first = [`OpenShiftClusters_GetCredentials: get ${cluster}/credentials 200,default`];
  expect(routes.toSorted()).toEqual(
    [
      `OpenShiftClusters_CreateOrUpdate: put ${cluster} 200,201,default`,
      `OpenShiftClusters_Delete: delete ${cluster} 202,204,default`,
      `OpenShiftClusters_Get: get ${cluster} 200,default`,
      ...(version === "2019-12-31-preview" ? first : []),
      `OpenShiftClusters_ListByResourceGroup: get ${group}/${provider}/OpenShiftClusters 200,default`,
      `OpenShiftClusters_ListBySubscription: get ${scope}/${provider}/OpenShiftClusters 200,default`,
      `OpenShiftClusters_ListCredentials: post ${cluster}/listCredentials 200,default`,
      `OpenShiftClusters_Update: patch ${cluster} 200,202,default`,
      `OperationResults_Get: get ${scope}/${provider}/locations/{location}/operationResults/{operationId} 200,202,204,default`,
      `OperationStatuses_Get: get ${scope}/${provider}/locations/{location}/operationStatuses/{operationId} 200,default`,
      `Operations_List: get /${provider}/operations 200,default`,
    ].toSorted(),
  );
});
