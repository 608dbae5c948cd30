/** The generated documents of a version, and the validators that the server would make of them. */
import { globSync, readFileSync } from "node:fs";
import { OpenAPIBackend, type Document } from "openapi-backend";
import type { OpenApi, Schema, Swagger } from "../../spec/codegen/document.ts";
import { operationIds, type ApiVersionName } from "../../generated/types/operationIds.ts";
import type { VisibilityTable } from "../../generated/types/visibility.ts";

const root = new URL("../../generated/", import.meta.url).pathname;

export const versions = Object.keys(operationIds) as ApiVersionName[];

function read<T>(path: string): T {
  return JSON.parse(readFileSync(root + path, "utf8")) as T;
}

export function runtimeDocument(version: ApiVersionName): OpenApi {
  return read(`runtime/${version}/openapi.json`);
}

export function visibility(version: ApiVersionName): VisibilityTable {
  return read(`runtime/${version}/visibility.json`);
}

export function emittedDocument(version: ApiVersionName): OpenApi {
  return read(`openapi3/3.0.0/${version}.json`);
}

/** The documents of a version that others read, by name, with their paths. */
export function emittedFiles(version: ApiVersionName): Readonly<Record<string, string>> {
  return {
    swagger: `${swagger(version).folder}/openshift.json`,
    "openapi 3.0": `${root}openapi3/3.0.0/${version}.json`,
    "openapi 3.1": `${root}openapi3/3.1.0/${version}.json`,
  };
}

/** The Swagger and the path of its folder. */
export function swagger(version: ApiVersionName): { folder: string; document: Swagger } {
  const [path] = globSync(`swagger/*/${version}/openshift.json`, { cwd: root });
  if (path === undefined) throw new TypeError(`no Swagger of ${version}`);
  return { folder: root + path.slice(0, path.lastIndexOf("/")), document: read(path) };
}

/** The runtime document as openapi-backend loads it in the server. */
export async function backend(version: ApiVersionName): Promise<OpenAPIBackend> {
  const api = new OpenAPIBackend({
    definition: runtimeDocument(version) as unknown as Document,
    quick: true,
    ajvOpts: { allErrors: true },
  });
  await api.init();
  return api;
}

const clusterPath =
  "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/group" +
  "/providers/RedHat.OpenShift/OpenShiftClusters/cluster";

/** The faults that the schema of a PUT or PATCH finds in a body: `path keyword`, sorted; the body's own path is empty. */
export function bodyFaults(
  api: OpenAPIBackend,
  version: ApiVersionName,
  method: "PUT" | "PATCH",
  body: unknown,
): readonly string[] {
  const { errors } = api.validateRequest({
    method,
    path: clusterPath,
    query: { "api-version": version },
    headers: { "content-type": "application/json" },
    body: body as Record<string, unknown>,
  });
  return (errors ?? [])
    .map(({ instancePath, keyword, params }) => {
      const { additionalProperty, missingProperty } = params as Record<string, string>;
      const member = additionalProperty ?? missingProperty;
      const path = instancePath.replace(/^\/requestBody/, "");
      return `${path}${member === undefined ? "" : `/${member}`} ${keyword}`;
    })
    .toSorted();
}

/** All keywords with their values, at any depth of a schema or document. */
export function keywordsOf(value: unknown): readonly (readonly [string, unknown])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [[key, member], ...keywordsOf(member)]);
}

/** The schema of the body of an operation's request. */
export function requestBodySchema(document: OpenApi, operationId: string): Schema {
  for (const methods of Object.values(document.paths)) {
    for (const operation of Object.values(methods)) {
      const schema = operation.requestBody?.content["application/json"].schema;
      if (operation.operationId === operationId && schema !== undefined) return schema;
    }
  }
  throw new TypeError(`no body in ${operationId}`);
}
