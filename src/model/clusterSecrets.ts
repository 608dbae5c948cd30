/**
 * Every secret of a cluster, under one member of its document: `secrets`. A layer over the store seals that member as
 * a whole, so a secret kept anywhere else would be stored in clear. A test checks that each secret path of the
 * contract's visibility table is one of these.
 */

export interface ClusterSecrets {
  /** The registry credentials as JSON text, whatever encoding an api-version has for it. */
  readonly pullSecret?: string;
  /** Of the service principal by which the cluster acts. */
  readonly clientSecret?: string;
  /** `pullSecret` and `clientSecret` as last reached, for an update that fails: they go with the goal that it goes back to. */
  readonly appliedPullSecret?: string;
  readonly appliedClientSecret?: string;
  /** OpenSSH private key of the core user of all machines. */
  readonly sshPrivateKey?: string;
  /** PEM, PKCS 8. */
  readonly certificateAuthorityKey?: string;
  /** YAML with an embedded client key. */
  readonly adminKubeconfig?: string;
  readonly kubeadminPassword?: string;
}

/** The names of all secrets. */
export const secretNames = [
  "pullSecret",
  "clientSecret",
  "appliedPullSecret",
  "appliedClientSecret",
  "sshPrivateKey",
  "certificateAuthorityKey",
  "adminKubeconfig",
  "kubeadminPassword",
] as const satisfies readonly (keyof ClusterSecrets)[];

/** Whether secrets are sealed, in whatever form: no release has a secret of that name. */
export function isSealed(secrets: unknown): secrets is { readonly sealed: unknown } {
  return typeof secrets === "object" && secrets !== null && Object.hasOwn(secrets, "sealed");
}

/** The secrets once their cluster has reached its goal: those of the goal are the ones in use. */
export function withGoalReached(secrets: ClusterSecrets): ClusterSecrets {
  const { appliedPullSecret: _pull, appliedClientSecret: _client, ...rest } = secrets;
  const { pullSecret, clientSecret } = secrets;
  return {
    ...rest,
    ...(pullSecret === undefined ? {} : { appliedPullSecret: pullSecret }),
    ...(clientSecret === undefined ? {} : { appliedClientSecret: clientSecret }),
  };
}

/** The secrets once their cluster has gone back to what it had reached before. */
export function withGoalGivenUp(secrets: ClusterSecrets): ClusterSecrets {
  const { pullSecret: _pull, clientSecret: _client, ...rest } = secrets;
  const { appliedPullSecret, appliedClientSecret } = secrets;
  return {
    ...rest,
    ...(appliedPullSecret === undefined ? {} : { pullSecret: appliedPullSecret }),
    ...(appliedClientSecret === undefined ? {} : { clientSecret: appliedClientSecret }),
  };
}
