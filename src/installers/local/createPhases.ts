/**
 * The steps of a create: those of the first resource provider with everything that needs a cloud left out. What is made
 * without one is real: keys, certificates, kubeconfig, password. A name here is stored in documents, so it must not change.
 */
import type { InstallationChanges, Phase, Step } from "../installer.ts";
import { apiHost, apiserverUrl, consoleUrl, type ClusterNames } from "../clusterNames.ts";
import type { LocalEffects } from "./localEffects.ts";
import { withNotes } from "./localNotes.ts";
import { namesOf, noteResources, withoutResources } from "./resources.ts";
import { timedStep, type TimedStepOptions } from "./timedStep.ts";

export function createPhases(effects: LocalEffects): readonly Phase[] {
  const { domain, installMs, clock } = effects;

  /** The shares of all steps, as parts of a create's time, are 1 together. */
  const step = (
    name: string,
    options: { readonly share: number } & Pick<TimedStepOptions, "begin" | "end">,
  ): Step => {
    const { share, ...work } = options;
    return timedStep({
      name,
      clock,
      durationMs: () => installMs * share,
      durationMaxMs: installMs,
      ...work,
    });
  };
  const making = (
    name: string,
    options: {
      readonly share: number;
      readonly resources: (names: ClusterNames) => Readonly<Record<string, string>>;
    },
  ): Step => {
    const { share, resources } = options;
    return step(name, {
      share,
      begin: (context) => noteResources(context, resources(namesOf(context.snapshot, domain))),
    });
  };

  return [
    {
      name: "DeployStorage",
      steps: [
        step("ChooseNames", {
          share: 0,
          end: (snapshot) => ({
            installation: withNotes(snapshot, { names: namesOf(snapshot, domain) }),
          }),
        }),
        step("GenerateAssets", {
          share: 0,
          begin: async (context) => {
            const made = await credentials();
            await made.generateMissingSshKey(context);
            await made.generateMissingAuthority(context, effects);
          },
        }),
        making("CreateStorageAccount", {
          share: 0.05,
          resources: ({ storageAccount }) => ({ storageAccount }),
        }),
        making("CopyImage", { share: 0.25, resources: ({ infraId }) => ({ image: infraId }) }),
        making("UploadIgnition", {
          share: 0.05,
          resources: ({ storageAccount }) => ({
            ignition: `${storageAccount}/ignition/bootstrap.ign`,
          }),
        }),
      ],
    },
    {
      name: "DeployResources",
      steps: [
        making("DeployNetwork", {
          share: 0.1,
          resources: ({ infraId }) => ({ network: `${infraId}-vnet` }),
        }),
        making("DeployControlPlane", {
          share: 0.2,
          resources: ({ infraId }) => ({
            bootstrapMachine: `${infraId}-bootstrap`,
            controlPlane: `${infraId}-master`,
          }),
        }),
        making("CreateApiRecord", {
          share: 0,
          resources: (names) => ({ apiRecord: apiHost(names) }),
        }),
        step("WaitForBootstrap", { share: 0.2 }),
      ],
    },
    {
      name: "RemoveBootstrap",
      steps: [
        step("RemoveBootstrapMachine", {
          share: 0.05,
          end: (snapshot) => ({
            installation: withNotes(
              snapshot,
              withoutResources(snapshot, (role) => role === "bootstrapMachine"),
            ),
          }),
        }),
        step("WaitForClusterVersion", { share: 0.1 }),
        // last, so that credentials can't be had before there is a cluster to use them on
        step("StoreCredentials", {
          share: 0,
          begin: async (context) =>
            (await credentials()).generateMissingCredentials(context, effects),
          end: (snapshot) => urls(namesOf(snapshot, domain)),
        }),
      ],
    },
  ];
}

function urls(names: ClusterNames): Pick<InstallationChanges, "apiserverUrl" | "consoleUrl"> {
  return { apiserverUrl: apiserverUrl(names), consoleUrl: consoleUrl(names) };
}

/** Loaded with the first cluster: its libraries take a fifth of the process's start, and of its memory at rest. */
const credentials = async () => import("./credentials.ts");
