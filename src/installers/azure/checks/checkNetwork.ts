/**
 * Whether the subnets that a user gives will do, and whether the cluster's service principal may put its load balancers into them. A
 * network of the cluster's own needs no check.
 */
import type { VirtualNetwork } from "@azure/arm-network";
import { controlPlaneCount, type Cluster } from "../../../model/cluster.ts";
import type { InstallationSnapshot, Step } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { isSignInError, statusOf } from "../failures/azureErrors.ts";
import { managedGroupId } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import { anotherSubnet, subnetOf, type SubnetId } from "../resources/guardedSubnets.ts";
import { isOfAnotherCluster } from "../resources/securityGroupOwner.ts";
import { orAbsent } from "../failures/orAbsent.ts";
import { isSameName } from "../sameName.ts";
import { refusedSignIn } from "./checkServicePrincipal.ts";
import { checkStep, propagationMs, type CheckFault } from "./checkStep.ts";
import { missingActions, permissionsAt } from "./permissions.ts";
import { foreignGroup, invalid, subnetFaults, subnetIn, type AskedSubnet } from "./subnetFit.ts";

/** What the cluster's controllers do with subnets that aren't its own. */
const controllersActions = [
  "Microsoft.Network/virtualNetworks/read",
  "Microsoft.Network/virtualNetworks/subnets/join/action",
  "Microsoft.Network/virtualNetworks/subnets/read",
] as const;

/** The bootstrap machine's, and that of the internal load balancer of the API. */
const controlPlaneAddresses = controlPlaneCount + 2;

export function checkNetwork(effects: AzureEffects): Step {
  return checkStep(effects, "CheckNetwork", async ({ snapshot }, signal) => {
    const asked = askedSubnets(snapshot.cluster);
    const [first] = asked;
    if (first === undefined) return { faults: [] };
    // one network holds them all: a PUT with others was refused
    const { id } = first;
    const scope = networkId(id);
    if (!isSameName(id.subscriptionId, snapshot.subscriptionId)) {
      return {
        faults: [
          invalid(
            `The virtual network ${scope} must be in the cluster's subscription: ${anotherSubnet}`,
          ),
        ],
      };
    }
    const network = await networkOf(effects, id, signal);
    if (network === undefined) {
      return { faults: [invalid(`There is no virtual network ${scope}: create it.`)] };
    }
    const { cluster } = snapshot;
    const own = { managedGroupId: managedGroupId(snapshot, noted(snapshot, "names")) };
    const foreign = asked.map((each) => foreignGroup(subnetIn(network, each.id), own));
    const othersGroups: string[] = [];
    for (const group of new Set(foreign)) {
      if (group === undefined) continue;
      const isAnothers = await isOfAnotherCluster(effects, snapshot, { id: group, signal });
      if (isAnothers) othersGroups.push(group);
    }
    const surroundings = {
      location: cluster.location,
      network: cluster.network,
      ...own,
      othersGroups,
    };
    return {
      faults: [
        ...asked.flatMap((each) => subnetFaults(each, network, surroundings)),
        ...(await principalFaults(effects, { snapshot, scope, signal })),
      ],
    };
  });
}

function askedSubnets({ controlPlane, workers, ingresses }: Cluster): AskedSubnet[] {
  const asked = (subnetId: string | undefined, purpose: string, addresses: number) =>
    subnetId === undefined ? [] : [{ id: subnetOf(subnetId), purpose, addresses }];
  const internalIngresses = (ingresses ?? []).filter(({ visibility }) => visibility === "Private");
  return [
    ...asked(controlPlane.subnetId, "control plane", controlPlaneAddresses),
    ...workers.flatMap(({ subnetId, count }) =>
      asked(subnetId, "workers", count + internalIngresses.length),
    ),
  ];
}

function networkId({ subscriptionId, resourceGroup, network }: SubnetId): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/virtualNetworks/${network}`;
}

async function networkOf(
  { azure }: AzureEffects,
  { subscriptionId, resourceGroup, network }: SubnetId,
  signal: AbortSignal,
): Promise<VirtualNetwork | undefined> {
  const { virtualNetworks } = azure.of(subscriptionId.toLowerCase()).network;
  return orAbsent(virtualNetworks.get(resourceGroup, network, { abortSignal: signal }));
}

async function principalFaults(
  { azure }: AzureEffects,
  {
    snapshot,
    scope,
    signal,
  }: {
    readonly snapshot: InstallationSnapshot;
    readonly scope: string;
    readonly signal: AbortSignal;
  },
): Promise<readonly CheckFault[]> {
  const { clientId } = snapshot.cluster;
  const { clientSecret } = snapshot.secrets;
  if (clientId === undefined || clientSecret === undefined) return [];
  const tenantId = noted(snapshot, "tenantId");
  const clients = azure.ofAs(snapshot.subscriptionId, { tenantId, clientId, clientSecret });
  let permissions: Awaited<ReturnType<typeof permissionsAt>>;
  try {
    permissions = await permissionsAt(clients, scope, signal).catch(ifNothingIsAllowed);
  } catch (error) {
    if (!isSignInError(error)) throw error;
    // its secret may have gone since it was checked
    return refusedSignIn(error, clientId);
  }
  // what can't be told is no proof, and nothing else looks for one before the cluster needs it
  const missing = missingActions(controllersActions, permissions ?? []);
  if (missing.length === 0) return [];
  const what = permissions === undefined ? "Azure does not tell that it has" : "it lacks";
  return [
    {
      code: "AuthorizationFailed",
      message:
        `The cluster's service principal ${clientId} may not use the virtual network ${scope}: ` +
        `${what} ${missing.join(", ")}. Assign it Network Contributor there.`,
      patienceMs: propagationMs,
    },
  ];
}

/** Who may do nothing there may not even ask. */
function ifNothingIsAllowed(error: unknown): [] {
  if (statusOf(error) === 403) return [];
  throw error;
}
