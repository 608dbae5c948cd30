/** What a cluster's template is made from in tests: a public cluster with a network of its own, in a region with zones. */
import type { ResourcesInput } from "../../../src/installers/azure/template/resourcesPlan.ts";

export function resourcesInput(changed: Partial<ResourcesInput> = {}): ResourcesInput {
  return {
    infraId: "prod-x7k2p",
    incarnationId: "0d6f1f3e-9d0c-4b7e-8a53-2b7a4f1c9e10",
    location: "westeurope",
    clusterDomain: "prod-ab23cd45.clusters.example.com",
    apiserverVisibility: "Public",
    network: { vnetCidr: "10.0.0.0/16" },
    machineSize: "Standard_D8s_v3",
    machines: { zones: ["1", "2", "3"], hyperVGeneration: "V1" },
    imageBlobUrl: "https://clusterab23cd45.blob.core.windows.net/vhd/rhcos.vhd",
    identityObjectId: "7b1f5a52-5a6c-4a8e-9d65-5cf0b51e7f01",
    principalObjectId: "c6d1a0de-7b0a-4b66-a1cf-0f4c2d1f2e02",
    ...changed,
  };
}

export const givenSubnetId =
  "/subscriptions/3c5fb1d4-6b9e-4d2f-8e0a-6a1c2b3d4e5f/resourceGroups/network-rg/providers/" +
  "Microsoft.Network/virtualNetworks/corporate/subnets/control-plane";

/** The kinds of template that there are, by the name of the file that shows one. */
export const resourcesInputs: Readonly<Record<string, ResourcesInput>> = {
  public: resourcesInput(),
  private: resourcesInput({ apiserverVisibility: "Private" }),
  "given-subnets": resourcesInput({ network: { controlPlaneSubnetId: givenSubnetId } }),
  "private-given-subnets": resourcesInput({
    apiserverVisibility: "Private",
    network: { controlPlaneSubnetId: givenSubnetId },
  }),
  "no-zones": resourcesInput({ machines: { zones: [], hyperVGeneration: "V1" } }),
  "two-zones-generation-2": resourcesInput({
    machines: { zones: ["1", "3"], hyperVGeneration: "V2" },
  }),
};
