/** By what settings the program takes the stand-in for Azure. It must hold none that is a user's to choose, such as where its data are. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeInstallProgram } from "./installProgram.ts";
import type { LocalAzure } from "./localAzure.ts";

/**
 * Makes what they name: the zone in the stand-in, and in the folder the certificate authority and the program in the place of
 * `openshift-install`. Whoever uses them has the stand-in's secrets.
 *
 * @param options.configsBegun a file that appears when that program makes ignition configs.
 * @param options.configsHeld as long as there is that file it makes none.
 */
export function programSettings(
  azure: LocalAzure,
  folder: string,
  options: { readonly configsBegun?: string; readonly configsHeld?: string } = {},
) {
  const authorityFile = join(folder, "authority.pem");
  writeFileSync(authorityFile, azure.caCertificatePem);
  const { clientId, clientSecret } = azure.providerApplication;
  return {
    INSTALLER: "azure",
    AZURE_RESOURCE_MANAGER_URL: azure.url,
    AZURE_AUTHORITY_HOST: azure.url,
    NODE_EXTRA_CA_CERTS: authorityFile,
    AZURE_TENANT_ID: azure.tenantId,
    AZURE_CLIENT_ID: clientId,
    AZURE_CLIENT_SECRET: clientSecret,
    AZURE_DNS_ZONE_ID: azure.createDnsZone("clusters.example"),
    OPENSHIFT_INSTALL: writeInstallProgram(folder, { url: azure.url, authorityFile, ...options }),
    UNANNOUNCED_SUBSCRIPTIONS: "registered",
  } as const;
}
