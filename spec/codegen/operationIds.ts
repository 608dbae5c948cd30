/**
 * The names of the operations. The two emitters spell them differently; the Swagger's spelling is the one that clients
 * are generated from, so it is the only one that the program knows.
 */
import type { OpenApi, Paths, Swagger } from "./document.ts";

/** The operationIds of a version, in the order of its paths. */
export function operationIdsOf(swagger: Pick<Swagger | OpenApi, "paths">): readonly string[] {
  return Object.values(swagger.paths).flatMap((methods) =>
    Object.values(methods).map((operation) => operation.operationId),
  );
}

/** The document with the Swagger's operationIds. The two must have the same operations. */
export function withOperationIdsOf(swagger: Swagger, document: OpenApi): OpenApi {
  const paths: Paths = Object.fromEntries(
    Object.entries(document.paths).map(([path, methods]) => [
      path,
      Object.fromEntries(
        Object.entries(methods).map(([method, operation]) => {
          const operationId = swagger.paths[path]?.[method]?.operationId;
          if (operationId === undefined) throw new TypeError(`Swagger lacks ${method} ${path}`);
          return [method, { ...operation, operationId }];
        }),
      ),
    ]),
  );
  return { ...document, paths };
}

/** The module that lists them all. */
export function operationIdsModule(
  versions: ReadonlyMap<string, readonly string[]>,
  own: { readonly arm: readonly string[]; readonly admin: readonly string[] },
): string {
  const union = (ids: readonly string[]): string =>
    ids.map((id) => `\n  | ${JSON.stringify(id)}`).join("");
  const lists = [...versions].map(
    ([version, ids]) =>
      `  ${JSON.stringify(version)}: [\n${ids.map((id) => `    ${JSON.stringify(id)},\n`).join("")}  ],\n`,
  );
  return `/** The operations of each api-version. */
export const operationIds = {
${lists.join("")}} as const;

/** An api-version, as in the query. */
export type ApiVersionName = keyof typeof operationIds;

/** An operation of any api-version. */
export type OperationId = (typeof operationIds)[ApiVersionName][number];

/** An operation that ARM itself calls, apart from any api-version. */
export type ArmOperationId =${union(own.arm)};

/** An operation of the operator's API. */
export type AdminOperationId =${union(own.admin)};
`;
}
