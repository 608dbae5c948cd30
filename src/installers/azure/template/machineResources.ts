/** The bootstrap machine and the control plane, their image and their rights, as parts of the template. Pure. */
import { contributorRole } from "../azureNames.ts";
import { expression, literal, quoted, resource, resourceId } from "./azureTemplate.ts";
import type { TemplateResource } from "./azureTemplate.ts";
import { configurationParameters } from "./machineConfigurations.ts";
import { types, zoneLinkName } from "./resourcesPlan.ts";
import type { ResourcesInput, ResourcesPlan } from "./resourcesPlan.ts";

/** For the machines' identity, and for the principal by which the cluster makes its workers. */
export function roleAssignments({ input }: ResourcesPlan): TemplateResource[] {
  return assignmentNames(input).map(({ principalId, name }) =>
    resource(types.roleAssignment, name, {
      properties: {
        roleDefinitionId: expression(
          `subscriptionResourceId('Microsoft.Authorization/roleDefinitions', ${quoted(contributorRole)})`,
        ),
        principalId: literal(principalId),
        // without it Azure looks the principal up, and doesn't find one that is younger than its directory's replication
        principalType: "ServicePrincipal",
      },
    }),
  );
}

/** The names are digests, so that a repeated deployment meets its own assignments. */
function assignmentNames({ identityObjectId, principalObjectId }: ResourcesInput) {
  return [identityObjectId, principalObjectId].map((principalId) => ({
    principalId,
    name: expression(
      `guid(resourceGroup().id, ${quoted(principalId)}, ${quoted(contributorRole)})`,
    ),
  }));
}

/** The cluster makes its workers from it too. */
export function image({ input, names, placed }: ResourcesPlan): TemplateResource {
  return resource(types.image, names.image, {
    ...placed,
    properties: {
      hyperVGeneration: input.machines.hyperVGeneration,
      storageProfile: {
        osDisk: { osType: "Linux", osState: "Generalized", blobUri: literal(input.imageBlobUrl) },
      },
    },
  });
}

interface MachinePlan {
  readonly name: string;
  readonly nic: string;
  /** Its parameter of the template. */
  readonly configuration: string;
  readonly diskSizeGB: number;
  readonly zone?: string | undefined;
}

/** What `openshift-install` takes: at this size a Premium disk is as fast as etcd needs. */
const controlPlaneDiskGB = 1024;
const bootstrapDiskGB = 100;

export function machines(plan: ResourcesPlan): TemplateResource[] {
  const { input, names, controlPlane } = plan;
  const { zones } = input.machines;
  return [
    machine(plan, {
      name: names.bootstrapMachine,
      nic: names.bootstrapNic,
      configuration: configurationParameters.bootstrap,
      diskSizeGB: bootstrapDiskGB,
    }),
    ...controlPlane.map(({ machine: name, nic }, index) =>
      machine(plan, {
        name,
        nic,
        configuration: configurationParameters.controlPlane,
        diskSizeGB: controlPlaneDiskGB,
        zone: zones[index % zones.length],
      }),
    ),
  ];
}

/**
 * All have the control plane's size: what the region offers, its quota and the generation of the image were checked for that one; another
 * might be missing there or not know that generation.
 */
function machine(plan: ResourcesPlan, { name, nic, configuration, diskSizeGB, zone }: MachinePlan) {
  const { input, names, placed } = plan;
  const identity = resourceId(types.identity, names.identity);
  const nicId = resourceId(types.nic, nic);
  return resource(types.virtualMachine, name, {
    ...placed,
    ...(zone === undefined ? {} : { zones: [zone] }),
    identity: { type: "UserAssigned", userAssignedIdentities: { [identity]: {} } },
    dependsOn: [nicId, resourceId(types.image, names.image), ...neededToStart(plan)],
    properties: {
      hardwareProfile: { vmSize: literal(input.machineSize) },
      osProfile: {
        computerName: name,
        adminUsername: "core",
        // Azure wants one, but the machines' system has no agent that would set it. Azure refuses to change it, so that it can't be random
        adminPassword: expression(`concat('Aa1!', guid(parameters('${configuration}')))`),
        customData: expression(`parameters('${configuration}')`),
        linuxConfiguration: { disablePasswordAuthentication: false },
      },
      storageProfile: {
        imageReference: { id: resourceId(types.image, names.image) },
        osDisk: {
          name: names.osDisk(name),
          osType: "Linux",
          createOption: "FromImage",
          caching: "ReadOnly",
          diskSizeGB,
          managedDisk: { storageAccountType: "Premium_LRS" },
        },
      },
      networkProfile: { networkInterfaces: [{ id: nicId }] },
      // without a URI Azure keeps what it writes in storage of its own
      diagnosticsProfile: { bootDiagnostics: { enabled: true } },
    },
  });
}

/** Machines look for the API and use their identity as soon as they run: waiting here is shorter than their retries. */
function neededToStart({ input, names }: ResourcesPlan): string[] {
  const { clusterDomain } = input;
  return [
    ...assignmentNames(input).map(({ name }) =>
      expression(`resourceId('${types.roleAssignment}', ${name.slice(1, -1)})`),
    ),
    resourceId(types.zoneLink, clusterDomain, zoneLinkName(names)),
    resourceId(types.addressRecord, clusterDomain, "api-int"),
  ];
}
