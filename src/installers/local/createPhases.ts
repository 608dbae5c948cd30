/**
 * The steps of a create: those of the first resource provider with everything that needs a cloud left out. What is made
 * without one is real: keys, certificates, kubeconfig, password. A name here is stored in documents, so it must not change.
 */
import type { InstallationChanges, Phase, Step, StepContext } from "../installer.ts";
import { adminKubeconfig } from "./adminKubeconfig.ts";
import {
  generateCertificateKey,
  issueAdmin,
  issueAuthority,
  type CertifiedKey,
} from "./certificate.ts";
import {
  apiHost,
  apiServer,
  apiserverUrl,
  consoleUrl,
  type ClusterNames,
} from "../clusterNames.ts";
import { kubeadminPassword } from "./kubeadminPassword.ts";
import type { LocalEffects } from "./localEffects.ts";
import { readNotes, withNotes } from "./localNotes.ts";
import { namesOf, noteResources, withoutResources } from "./resources.ts";
import { generateSshKey, sshPublicKey } from "../sshKey.ts";
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
            await generateMissingSshKey(context);
            await generateMissingAuthority(context, effects);
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
          begin: (context) => generateMissingCredentials(context, effects),
          end: (snapshot) => urls(namesOf(snapshot, domain)),
        }),
      ],
    },
  ];
}

async function generateMissingSshKey(context: StepContext): Promise<void> {
  const { secrets } = context.snapshot;
  if (
    secrets.sshPrivateKey !== undefined &&
    readNotes(context.snapshot).sshPublicKey !== undefined
  ) {
    return;
  }
  const sshPrivateKey = secrets.sshPrivateKey ?? (await generateSshKey());
  await context.save({
    secrets: { sshPrivateKey },
    installation: withNotes(context.snapshot, { sshPublicKey: sshPublicKey(sshPrivateKey) }),
  });
}

/** @returns the authority, made and persisted if it was not. */
async function generateMissingAuthority(
  context: StepContext,
  { random }: LocalEffects,
): Promise<CertifiedKey> {
  const { certificateAuthorityKey } = context.snapshot.secrets;
  const { certificateAuthority } = readNotes(context.snapshot);
  if (certificateAuthorityKey !== undefined && certificateAuthority !== undefined) {
    return { key: certificateAuthorityKey, certificate: certificateAuthority };
  }
  const key = certificateAuthorityKey ?? (await generateCertificateKey());
  const certificate = await issueAuthority(key, { now: context.now, random });
  await context.save({
    secrets: { certificateAuthorityKey: key },
    installation: withNotes(context.snapshot, { certificateAuthority: certificate }),
  });
  return { key, certificate };
}

async function generateMissingCredentials(
  context: StepContext,
  effects: LocalEffects,
): Promise<void> {
  const { snapshot } = context;
  if (snapshot.secrets.adminKubeconfig === undefined) {
    const { random, domain } = effects;
    const authority = await generateMissingAuthority(context, effects);
    const kubeconfig = adminKubeconfig({
      clusterName: snapshot.name.toLowerCase(),
      server: apiServer(namesOf(snapshot, domain)),
      certificateAuthority: authority.certificate,
      admin: await issueAdmin(authority, { now: context.now, random }),
    });
    await context.save({ secrets: { adminKubeconfig: kubeconfig } });
  }
  if (context.snapshot.secrets.kubeadminPassword === undefined) {
    await context.save({ secrets: { kubeadminPassword: kubeadminPassword(effects.random) } });
  }
}

function urls(names: ClusterNames): Pick<InstallationChanges, "apiserverUrl" | "consoleUrl"> {
  return { apiserverUrl: apiserverUrl(names), consoleUrl: consoleUrl(names) };
}
