/**
 * The installer that builds real clusters on Azure: its phases in their order, each a list of steps that other files hold. It must
 * hold no rule of its own.
 */
import type { Installer, Phase, Step } from "../installer.ts";
import { assignRole } from "./assignRole.ts";
import { attachSecurityGroups } from "./attachSecurityGroups.ts";
import type { AzureEffects } from "./azureEffects.ts";
import { asAzureStep } from "./azureFailure.ts";
import { checkDnsName } from "./checks/checkDnsName.ts";
import { checkMachines } from "./checks/checkMachines.ts";
import { checkNetwork } from "./checks/checkNetwork.ts";
import { checkServicePrincipal } from "./checks/checkServicePrincipal.ts";
import { checkSubscription } from "./checks/checkSubscription.ts";
import { chooseNames } from "./chooseNames.ts";
import { copyImage } from "./copyImage.ts";
import { createApiRecord } from "./createApiRecord.ts";
import { createIdentity } from "./createIdentity.ts";
import { createIngressRecord } from "./createIngressRecord.ts";
import { createResourceGroup } from "./createResourceGroup.ts";
import { deleteDnsRecords } from "./deleteDnsRecords.ts";
import { deleteResourceGroup } from "./deleteResourceGroup.ts";
import { deployResources } from "./deployResources.ts";
import { deployStorage } from "./deployStorage.ts";
import { detachSecurityGroups } from "./detachSecurityGroups.ts";
import { generateAssets } from "./generateAssets.ts";
import { ingressAddress } from "./ingressAddress.ts";
import { removeBootstrapMachine } from "./removeBootstrapMachine.ts";
import { setWorkerCounts, waitForWorkers } from "./scaleWorkers.ts";
import { setCredentials } from "./setCredentials.ts";
import { storeCredentials } from "./storeCredentials.ts";
import { whenToBeSet } from "./unsettled.ts";
import { uploadIgnition } from "./uploadIgnition.ts";
import { waitForBootstrap } from "./waitForBootstrap.ts";
import { waitForClusterVersion } from "./waitForClusterVersion.ts";

export function azureInstaller(effects: AzureEffects): Installer {
  const phase = (name: string, steps: readonly Step[]): Phase => ({
    name,
    steps: steps.map((step) => asAzureStep(step, effects)),
  });
  return {
    name: "azure",
    phases: {
      create: [
        phase("DeployStorage", [
          chooseNames(effects),
          checkServicePrincipal(effects),
          checkSubscription(effects),
          checkMachines(effects),
          checkNetwork(effects),
          checkDnsName(effects),
          createResourceGroup(effects),
          deployStorage(effects),
          generateAssets(effects),
          createIdentity(effects),
          copyImage(effects),
          uploadIgnition(effects),
        ]),
        phase("DeployResources", [
          attachSecurityGroups(effects),
          deployResources(effects),
          createApiRecord(effects),
          waitForBootstrap(effects),
        ]),
        phase("RemoveBootstrap", [
          removeBootstrapMachine(effects),
          waitForClusterVersion(effects),
          createIngressRecord(effects, async (context) => ingressAddress(context, effects)),
          storeCredentials(effects),
        ]),
      ],
      update: [
        phase("ScaleWorkers", [
          whenToBeSet("servicePrincipal", checkServicePrincipal(effects)),
          assignRole(effects),
          setCredentials(effects),
          setWorkerCounts(effects),
          waitForWorkers(effects),
        ]),
      ],
      delete: [
        phase("DeleteCluster", [
          deleteDnsRecords(effects),
          detachSecurityGroups(effects),
          deleteResourceGroup(effects),
        ]),
      ],
    },
  };
}
