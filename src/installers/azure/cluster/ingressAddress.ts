/** The address at which a cluster's applications are reached: that of its router's load balancer, once Azure has given it one. */
import { isIPv4 } from "node:net";
import type { StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { asking, type ReadCredentials } from "./clusterStep.ts";
import { readAssets } from "../assets/readAssets.ts";

/**
 * @returns IPv4; nothing as long as there is none, or the cluster doesn't answer.
 * @throws {TerminalError} when the cluster's credentials can't be used.
 */
export async function ingressAddress(
  context: StepContext,
  effects: AzureEffects,
  readCredentials: ReadCredentials = readAssets,
): Promise<string | undefined> {
  let address: string | undefined;
  await asking(context, effects, {
    readCredentials,
    look: async (api) => {
      const addresses = await api.serviceAddresses("openshift-ingress", "router-default");
      address = addresses?.find((each) => isIPv4(each));
      return { done: true };
    },
  });
  return address;
}
