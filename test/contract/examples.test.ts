/** Every operation has an example, and the examples are requests and answers that the contract allows. */
import { readFileSync } from "node:fs";
import type { OpenAPIBackend } from "openapi-backend";
import { describe, expect, test } from "vitest";
import { operationIds, type ApiVersionName } from "../../generated/types/operationIds.ts";
import type { Operation, Paths } from "../../spec/codegen/document.ts";
import { backend, bodyFaults, swagger, versions } from "./generated.ts";

interface Answer {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

interface Example {
  readonly operationId: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly responses: Readonly<Record<string, Answer>>;
}

/** An operation of the Swagger with one of its examples. */
interface Shown {
  readonly file: string;
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
  readonly example: Example;
}

function shownIn(folder: string, paths: Paths): readonly Shown[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) => {
      const references = (operation as unknown as Record<string, unknown>)["x-ms-examples"] ?? {};
      return Object.values(references as Record<string, { $ref: string }>).map(({ $ref }) => ({
        file: $ref,
        path,
        method,
        operation,
        example: JSON.parse(readFileSync(`${folder}/${$ref}`, "utf8")) as Example,
      }));
    }),
  );
}

/** What is wrong with the request of an example. */
function requestFaults(
  api: OpenAPIBackend,
  version: ApiVersionName,
  { path, method, operation, example }: Shown,
): readonly string[] {
  const needed = ["api-version", ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "")];
  const missing = needed.filter((name) => example.parameters[name] === undefined);
  const otherVersion = example.parameters["api-version"] === version ? [] : ["api-version"];
  if (method !== "put" && method !== "patch") return [...missing, ...otherVersion];
  const body = operation.parameters.find((parameter) => parameter.in === "body")?.name ?? "";
  const verb = method === "put" ? "PUT" : "PATCH";
  return [...missing, ...otherVersion, ...bodyFaults(api, version, verb, example.parameters[body])];
}

/** What is wrong with an answer of an example. */
function answerFaults(
  api: OpenAPIBackend,
  { operation }: Shown,
  status: string,
  { headers = {}, body }: Answer,
): readonly string[] {
  const declared = operation.responses[status];
  if (declared === undefined) return [`${status} is not declared`];
  const names = Object.keys(declared.headers ?? {});
  const faults = Object.keys(headers).filter((name) => !names.includes(name));
  if (declared.schema === undefined) return body === undefined ? faults : ["has a body"];
  const { errors } = api.validateResponse(body, operation.operationId, Number(status));
  return [...faults, ...(errors ?? []).map((error) => `${error.instancePath} ${error.message}`)];
}

describe.each(versions)("%s", (version) => {
  const { folder, document } = swagger(version);
  const all = shownIn(folder, document.paths);

  test("each operation has one", () => {
    const shown = new Set(all.map(({ operation }) => operation.operationId));
    expect([...shown].toSorted()).toEqual([...operationIds[version]].toSorted());
  });

  // that the server sends them too, and no others, is seen to by `test/frontend/startedRp.ts`
  test("each header that is declared is shown", () => {
    const headersOf = (names: (shown: Shown) => readonly [string, object | undefined][]) =>
      new Set(
        all.flatMap((shown) =>
          names(shown).flatMap(([status, headers = {}]) =>
            Object.keys(headers).map((name) => `${shown.operation.operationId} ${status} ${name}`),
          ),
        ),
      );
    const declared = headersOf(({ operation }) =>
      Object.entries(operation.responses).map(([status, { headers }]) => [status, headers]),
    );
    const shown = headersOf(({ example }) =>
      Object.entries(example.responses).map(([status, { headers }]) => [status, headers]),
    );
    expect([...shown].toSorted()).toEqual([...declared].toSorted());
  });

  test.each(all)("$file fits the schemas", async (shown) => {
    const api = await backend(version);
    expect(shown.example.operationId).toBe(shown.operation.operationId);
    expect(requestFaults(api, version, shown)).toEqual([]);
    const answers = Object.entries(shown.example.responses);
    expect(answers).not.toEqual([]);
    expect(answers.flatMap(([status, answer]) => answerFaults(api, shown, status, answer))).toEqual(
      [],
    );
  });
});
