/** Every api-version with what the laws need to try it. A version that is generated and not here fails the type check. */
import type fc from "fast-check";
import type { ApiVersionName } from "../../generated/types/operationIds.ts";
import type { ApiVersion, WireObject } from "../../src/versions/apiVersion.ts";
import type { CreateBody } from "./arbitraryBody.ts";
import * as v20191231preview from "./v20191231preview/example.ts";
import * as v20200430 from "./v20200430/example.ts";

export interface VersionCase {
  readonly version: ApiVersion;
  /** Legal bodies of a create. */
  readonly createBodies: fc.Arbitrary<CreateBody>;
  /** The properties that a PUT can't leave out, of those that the version shows. */
  readonly needed: (properties: WireObject) => WireObject;
  /** The properties that set this pull secret. */
  readonly pullSecret: (text: string) => WireObject;
}

const cases: Readonly<Record<ApiVersionName, VersionCase>> = {
  "2019-12-31-preview": {
    version: v20191231preview.version,
    createBodies: v20191231preview.createBodies,
    needed: () => ({}),
    pullSecret: (text) => ({ pullSecret: Buffer.from(text).toString("base64") }),
  },
  "2020-04-30": {
    version: v20200430.version,
    createBodies: v20200430.createBodies,
    needed: ({ servicePrincipalProfile }) =>
      servicePrincipalProfile === undefined ? {} : { servicePrincipalProfile },
    pullSecret: (pullSecret) => ({ clusterProfile: { pullSecret } }),
  },
};

export const versionCases = Object.values(cases);

/** Each version with its case, for `describe.each`. */
export const eachVersion = versionCases.map((one) => [one.version.name, one] as const);
