/**
 * What a create makes without any cloud: SSH key, authority, kubeconfig, password. Each is made once and persisted at once; it must
 * never make one anew that is there, since machines and callers know the first.
 */
import { kubeadminPassword } from "./kubeadminPassword.ts";
import type { StepContext } from "../installer.ts";
import { apiServer } from "../clusterNames.ts";
import { generateSshKey, sshPublicKey } from "../sshKey.ts";
import { adminKubeconfig } from "./adminKubeconfig.ts";
import {
  generateCertificateKey,
  issueAdmin,
  issueAuthority,
  type CertifiedKey,
} from "./certificate.ts";
import type { LocalEffects } from "./localEffects.ts";
import { readNotes, withNotes } from "./localNotes.ts";
import { namesOf } from "./resources.ts";

/** The key pair of all machines. */
export async function generateMissingSshKey(context: StepContext): Promise<void> {
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
export async function generateMissingAuthority(
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

/** Kubeconfig and password of the administrator. */
export async function generateMissingCredentials(
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
