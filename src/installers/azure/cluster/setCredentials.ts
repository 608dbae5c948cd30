/**
 * The step `SetCredentials`, of an update and of a create that was begun anew: another pull secret, or another service principal or
 * secret of it, goes into the secrets from which the cluster's own operators spread it to whoever uses it. It must never be done before
 * the goal's credentials are known to differ: their users may have added to them.
 */
import type { InstallationSnapshot, Step, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import type { UpdatedPart } from "../azureNotes.ts";
import type { ClusterApi } from "./clusterApi.ts";
import { clusterStep, installedCredentials, type ReadCredentials } from "./clusterStep.ts";
import { isToBeSet, noteUnsettled } from "./unsettled.ts";

/** A secret of the cluster. */
interface ClusterSecret {
  readonly part: UpdatedPart;
  readonly namespace: string;
  readonly name: string;
  /** In clear; members that aren't known are left out. */
  readonly data: (snapshot: InstallationSnapshot) => Readonly<Record<string, string | undefined>>;
}

const clusterSecrets: readonly ClusterSecret[] = [
  {
    part: "pullSecret",
    namespace: "openshift-config",
    name: "pull-secret",
    data: ({ secrets }) => ({ ".dockerconfigjson": secrets.pullSecret }),
  },
  {
    part: "servicePrincipal",
    namespace: "kube-system",
    name: "azure-credentials",
    data: ({ cluster, secrets }) => ({
      azure_client_id: cluster.clientId,
      azure_client_secret: secrets.clientSecret,
    }),
  },
];

export function setCredentials(
  effects: AzureEffects,
  readCredentials: ReadCredentials = installedCredentials,
): Step {
  return clusterStep(effects, readCredentials, {
    name: "SetCredentials",
    waitMs: 15 * 60_000,
    fault: "The credentials could not be set in the cluster",
    isNeeded: ({ snapshot }) => clusterSecrets.some(({ part }) => isToBeSet(snapshot, part)),
    look: async (api, context) => {
      for (const secret of clusterSecrets) {
        if (isToBeSet(context.snapshot, secret.part)) await setSecret(secret, api, context);
      }
      return { done: true };
    },
  });
}

async function setSecret(
  { part, namespace, name, data }: ClusterSecret,
  api: ClusterApi,
  context: StepContext,
): Promise<void> {
  const wanted = Object.fromEntries(
    Object.entries(data(context.snapshot)).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, Buffer.from(value, "utf8").toString("base64")] as const],
    ),
  );
  await noteUnsettled(context, part);
  const present = (await api.secret(namespace, name)) ?? {};
  if (Object.entries(wanted).every(([key, value]) => present[key] === value)) return;
  context.guard();
  await api.changeSecret(namespace, name, wanted);
}
