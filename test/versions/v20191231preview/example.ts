/** What the tests of 2019-12-31-preview start from. */
import fc from "fast-check";
import { v20191231preview } from "../../../src/versions/v20191231preview/version.ts";
import { pools, pullSecretTexts, tags, type CreateBody } from "../arbitraryBody.ts";
import { pullSecretText, writesOf } from "../exampleCluster.ts";

export const version = v20191231preview;
export const { put, patch } = writesOf(version);

export const pullSecret = base64(pullSecretText);

/** The least that a create needs. */
export const smallestBody = { location: "eastus", properties: { pullSecret } };

/** Legal bodies of a create. */
export const createBodies: fc.Arbitrary<CreateBody> = fc.record(
  {
    location: fc.constantFrom("eastus", "East US", "EAST us"),
    tags,
    properties: fc.record(
      {
        pullSecret: pullSecretTexts.map(base64),
        networkProfile: fc.constantFrom(
          {},
          { vnetCidr: "10.0.0.0/16", podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
          { vnetCidr: "192.168.7.0/24", podCidr: "10.0.0.0/18", serviceCidr: "10.0.64.0/22" },
          { vnetCidr: "10.0.0.0/8", podCidr: "11.0.0.0/8", serviceCidr: "12.0.0.0/8" },
        ),
        masterProfile: fc.constantFrom({}, { vmSize: "Standard_D8s_v3" }),
        workerProfiles: pools({}),
      },
      { requiredKeys: ["pullSecret"] },
    ),
  },
  { requiredKeys: ["location", "properties"] },
);

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
