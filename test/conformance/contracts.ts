/**
 * The contracts that were generated, one per api-version, and the requests that their examples show: whoever drives the
 * server here sends those, so that a new api-version needs no body of its own.
 */
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Swagger } from "../../spec/codegen/document.ts";
import { apiVersions } from "../../src/versions/registry.ts";

/** The folder of everything that is generated. */
export const generated = join(import.meta.dirname, "../../generated");

/** An api-version's Swagger. */
export interface Contract {
  readonly version: string;
  readonly path: string;
}

/** All of them, oldest first. */
export const contracts: readonly Contract[] = globSync("swagger/*/*/openshift.json", {
  cwd: generated,
})
  .map((path) => ({ version: basename(dirname(path)), path: join(generated, path) }))
  .toSorted((a, b) => (a.version < b.version ? -1 : 1));

/** Those that the server knows. */
export const served: readonly Contract[] = contracts.filter(({ version }) =>
  apiVersions.some(({ name }) => name === version),
);

/** The subscription of the examples, in which their other ids lie too. */
export const subscription = "00000000-0000-0000-0000-000000000000";
export const resourceGroup = "contoso-clusters";

export type Body = Readonly<Record<string, unknown>>;

/** The requests that drive a cluster through its life. */
export interface Requests {
  readonly create: Body;
  readonly tag: Body;
  readonly scale: Body;
}

export function operationsOf({ path }: Contract): readonly string[] {
  const { paths } = JSON.parse(readFileSync(path, "utf8")) as Swagger;
  return Object.values(paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
}

/** @throws {TypeError} when there is no example of one of them. */
export function exampleRequests(contract: Contract): Requests {
  const patches = bodies(contract, "OpenShiftClusters_Update*.json", "properties");
  return {
    create: only(bodies(contract, "OpenShiftClusters_CreateOrUpdate.json", "resource"), "create"),
    tag: only(
      patches.filter(({ tags }) => tags !== undefined),
      "tag",
    ),
    scale: only(
      patches.filter(({ properties }) => JSON.stringify(properties ?? {}).includes('"count":')),
      "scale",
    ),
  };
}

function bodies({ path }: Contract, pattern: string, parameter: string): readonly Body[] {
  return globSync(join(dirname(path), "examples", pattern)).map((file) => {
    const example = JSON.parse(readFileSync(file, "utf8")) as {
      readonly parameters: Readonly<Record<string, Body>>;
    };
    return example.parameters[parameter] ?? {};
  });
}

function only(found: readonly Body[], what: string): Body {
  const [first] = found;
  if (first === undefined || found.length > 1) {
    throw new TypeError(`${found.length} examples ${what} a cluster`);
  }
  return first;
}
