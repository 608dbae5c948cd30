/**
 * The installer that builds real clusters on Azure: its phases in their order, each a list of steps that other files hold. It must
 * hold no rule of its own.
 */
import type { Installer, Phase, Step } from "../installer.ts";
import { assignRole } from "./resources/assignRole.ts";
import { attachSecurityGroups } from "./resources/attachSecurityGroups.ts";
import type { AzureEffects } from "./azureEffects.ts";
import { asAzureStep } from "./failures/azureFailure.ts";
import { checkDnsName } from "./checks/checkDnsName.ts";
import { checkInstallProgram } from "./checks/checkInstallProgram.ts";
import { checkMachines } from "./checks/checkMachines.ts";
import { checkNetwork } from "./checks/checkNetwork.ts";
import { checkServicePrincipal } from "./checks/checkServicePrincipal.ts";
import { checkSubscription } from "./checks/checkSubscription.ts";
import { chooseNames } from "./chooseNames.ts";
import { copyImage } from "./resources/copyImage.ts";
import { createApiRecord } from "./resources/createApiRecord.ts";
import { createIdentity } from "./resources/createIdentity.ts";
import { createIngressRecord } from "./resources/createIngressRecord.ts";
import { createResourceGroup } from "./resources/createResourceGroup.ts";
import { deleteDnsRecords } from "./resources/deleteDnsRecords.ts";
import { deleteLateArrivals } from "./resources/deleteLateArrivals.ts";
import { deleteResourceGroup } from "./resources/deleteResourceGroup.ts";
import { deployResources } from "./resources/deployResources.ts";
import { deployStorage } from "./resources/deployStorage.ts";
import { detachSecurityGroups } from "./resources/detachSecurityGroups.ts";
import { generateAssets } from "./assets/generateAssets.ts";
import { waitingForSubscription } from "./resources/hiddenSubscription.ts";
import { ingressAddress } from "./cluster/ingressAddress.ts";
import { ofOwnCluster } from "./cluster/ownCluster.ts";
import { readAssets } from "./assets/readAssets.ts";
import { removeBootstrapMachine } from "./resources/removeBootstrapMachine.ts";
import { removeFormerRoles } from "./resources/removeFormerRoles.ts";
import { reserveDomain } from "./resources/reserveDomain.ts";
import { setWorkerCounts, waitForWorkers } from "./cluster/scaleWorkers.ts";
import { setCredentials } from "./cluster/setCredentials.ts";
import { storeCredentials } from "./cluster/storeCredentials.ts";
import { whenToBeSet } from "./cluster/unsettled.ts";
import { uploadIgnition } from "./resources/uploadIgnition.ts";
import { waitForBootstrap } from "./cluster/waitForBootstrap.ts";
import { waitForClusterVersion } from "./cluster/waitForClusterVersion.ts";

export function azureInstaller(effects: AzureEffects): Installer {
  const phase = (name: string, steps: readonly Step[]): Phase => ({
    name,
    steps: steps.map((step) => asAzureStep(step, effects)),
  });
  /** What can change in a cluster that is installed, its credentials apart, and whose they were; what is as it should be is left alone. */
  const scaleWorkers = [
    setWorkerCounts(effects),
    removeFormerRoles(effects),
    waitForWorkers(effects),
  ];
  return {
    name: "azure",
    phases: {
      create: [
        phase("DeployStorage", [
          chooseNames(effects),
          checkInstallProgram(effects),
          checkServicePrincipal(effects),
          checkSubscription(effects),
          checkMachines(effects),
          checkNetwork(effects),
          checkDnsName(effects),
          reserveDomain(effects),
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
          // a create that was begun anew may have another goal than the one by which its machines began: without its
          // credentials it gets no workers
          assignRole(effects),
          setCredentials(effects, readAssets),
          waitForClusterVersion(effects),
          createIngressRecord(effects, async (context) => ingressAddress(context, effects)),
          storeCredentials(effects),
          ...scaleWorkers,
        ]),
      ],
      update: [
        phase(
          "ScaleWorkers",
          [
            whenToBeSet("servicePrincipal", checkServicePrincipal(effects)),
            assignRole(effects),
            setCredentials(effects),
            ...scaleWorkers,
          ].map(ofOwnCluster),
        ),
      ],
      delete: [
        phase(
          "DeleteCluster",
          [
            deleteDnsRecords(effects),
            detachSecurityGroups(effects),
            deleteResourceGroup(effects),
            deleteLateArrivals(effects),
          ].map(waitingForSubscription),
        ),
      ],
    },
  };
}
