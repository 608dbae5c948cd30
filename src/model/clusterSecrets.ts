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
  "sshPrivateKey",
  "certificateAuthorityKey",
  "adminKubeconfig",
  "kubeadminPassword",
] as const satisfies readonly (keyof ClusterSecrets)[];
