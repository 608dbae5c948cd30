/** The operations that the provider exposes, for role definitions (ARM-114 to ARM-116). The same for everyone. */
import { clusterType, providerNamespace } from "../../model/resourceId.ts";
import type { Handler } from "../exchange.ts";

const provider = "OpenShift clusters";

interface Row {
  /** Without the namespace. */
  readonly name: string;
  readonly resource: string;
  readonly operation: string;
  readonly description: string;
}

const rows: readonly Row[] = [
  {
    name: "register/action",
    resource: "Subscription",
    operation: "Register the provider",
    description: `Registers the subscription for ${providerNamespace}.`,
  },
  {
    name: `${clusterType}/read`,
    resource: "OpenShift cluster",
    operation: "Read cluster",
    description: "Reads an OpenShift cluster, or lists those of a resource group or subscription.",
  },
  {
    name: `${clusterType}/write`,
    resource: "OpenShift cluster",
    operation: "Write cluster",
    description: "Creates an OpenShift cluster or changes one.",
  },
  {
    name: `${clusterType}/delete`,
    resource: "OpenShift cluster",
    operation: "Delete cluster",
    description: "Deletes an OpenShift cluster.",
  },
  {
    name: `${clusterType}/listCredentials/action`,
    resource: "OpenShift cluster",
    operation: "List cluster credentials",
    description: "Lists the administrator's credentials of an OpenShift cluster.",
  },
  {
    name: `${clusterType}/credentials/read`,
    resource: "OpenShift cluster",
    operation: "Read cluster credentials",
    description: "Reads the administrator's credentials of an OpenShift cluster. Deprecated.",
  },
  {
    name: "operations/read",
    resource: "Operation",
    operation: "Read operations",
    description: "Lists the operations of the provider.",
  },
  {
    name: "locations/operationStatuses/read",
    resource: "Operation status",
    operation: "Read operation status",
    description: "Reads the status of an asynchronous operation.",
  },
  {
    name: "locations/operationResults/read",
    resource: "Operation result",
    operation: "Read operation result",
    description: "Reads the result of an asynchronous operation.",
  },
];

export const providerOperations: Handler = {
  right: undefined,
  handle: async () => ({
    status: 200,
    body: {
      value: rows.map(({ name, resource, operation, description }) => ({
        name: `${providerNamespace}/${name}`,
        isDataAction: false,
        display: { provider, resource, operation, description },
        origin: "user,system",
      })),
    },
  }),
};
