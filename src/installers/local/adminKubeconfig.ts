/**
 * The administrator's kubeconfig of a cluster: everything embedded, so that the file alone opens the cluster. It must never
 * refer to another file.
 */
import { stringify } from "yaml";
import type { CertifiedKey } from "./certificate.ts";

export function adminKubeconfig(options: {
  readonly clusterName: string;
  /** URL without a path. */
  readonly server: string;
  /** PEM. */
  readonly certificateAuthority: string;
  readonly admin: CertifiedKey;
}): string {
  const { clusterName, server, certificateAuthority, admin } = options;
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: clusterName,
        cluster: { "certificate-authority-data": base64(certificateAuthority), server },
      },
    ],
    contexts: [{ name: "admin", context: { cluster: clusterName, user: "admin" } }],
    "current-context": "admin",
    preferences: {},
    users: [
      {
        name: "admin",
        user: {
          "client-certificate-data": base64(admin.certificate),
          "client-key-data": base64(admin.key),
        },
      },
    ],
  };
  // quoted, as YAML 1.1 and 1.2 differ in which plain words (`on`, `0o7`) are strings
  return stringify(kubeconfig, {
    defaultStringType: "QUOTE_DOUBLE",
    defaultKeyType: "PLAIN",
    lineWidth: 0,
  });
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
