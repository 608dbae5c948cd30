/**
 * `npm run azure:local`: the stand-in for Azure in a process of its own, to try the installer for Azure on this machine. It keeps
 * everything in memory and forgets it at its end; it must never be taken for Azure.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeInstallProgram } from "./installProgram.ts";
import { LocalAzure } from "./localAzure.ts";

const azure = await LocalAzure.start({ operationMs: 500, clusterReadyMs: 5_000 });
const folder = mkdtempSync(join(tmpdir(), "azure-local-"));
const authorityFile = join(folder, "authority.pem");
writeFileSync(authorityFile, azure.caCertificatePem);

// as in the README's useful commands
const subscriptionId = "00000000-0000-4000-8000-000000000001";
const networkId = azure.createNetwork(subscriptionId, "networks", "production");
const bodyFile = join(folder, "cluster.json");

const { providerApplication: provider, clusterApplication: cluster } = azure;
const settings = {
  INSTALLER: "azure",
  AZURE_RESOURCE_MANAGER_URL: azure.url,
  AZURE_AUTHORITY_HOST: azure.url,
  NODE_EXTRA_CA_CERTS: authorityFile,
  AZURE_TENANT_ID: azure.tenantId,
  AZURE_CLIENT_ID: provider.clientId,
  AZURE_CLIENT_SECRET: provider.clientSecret,
  AZURE_DNS_ZONE_ID: azure.createDnsZone("clusters.example"),
  OPENSHIFT_INSTALL: writeInstallProgram(folder, { url: azure.url, authorityFile }),
  AZURE_POLL_SECONDS: "1",
  UNANNOUNCED_SUBSCRIPTIONS: "registered",
};
const body = {
  location: "eastus",
  properties: {
    clusterProfile: {
      pullSecret: '{"auths":{"registry.example.com":{"auth":"dXNlcjpwYXNzd29yZA=="}}}',
      domain: "mycluster",
      resourceGroupId: `/subscriptions/${subscriptionId}/resourceGroups/mycluster-machines`,
    },
    servicePrincipalProfile: { clientId: cluster.clientId, clientSecret: cluster.clientSecret },
    masterProfile: { subnetId: `${networkId}/subnets/control-plane` },
    workerProfiles: [{ name: "worker", subnetId: `${networkId}/subnets/workers` }],
  },
};
writeFileSync(bodyFile, JSON.stringify(body, undefined, 2), { mode: 0o600 });
const clusterUrl = `http://localhost:8080/subscriptions/${subscriptionId}/resourceGroups/demo/providers/RedHat.OpenShift/OpenShiftClusters/mycluster`;
const lines = Object.entries(settings).map(([name, value]) => `export ${name}='${value}'`);
process.stdout.write(
  `# The stand-in for Azure runs until Ctrl-C; in another shell, for npm start:
${lines.join("\n")}

# Create a cluster, with a service principal and subnets that are there:
#   curl -i -X PUT '${clusterUrl}?api-version=2020-04-30' \\
#     -H 'Content-Type: application/json' -d @${bodyFile}
# Everything that would exist in Azure:
#   curl --cacert ${authorityFile} ${azure.url}/stand-in/resources
# Let the next three requests for machines be throttled; "lost": "answer" or "hang": true instead of a status are the others:
#   curl --cacert ${authorityFile} ${azure.url}/stand-in/faults -d \\
#     '{"path": "/virtualMachines/", "times": 3, "status": 429, "code": "TooManyRequests", "retryAfterSeconds": 1}'
`,
);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    rmSync(folder, { recursive: true, force: true });
    void azure[Symbol.asyncDispose]();
  });
}
