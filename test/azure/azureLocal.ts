/**
 * `npm run azure:local`: the stand-in for Azure in a process of its own, to try the installer for Azure on this machine. It keeps
 * everything in memory and forgets it at its end; it must never be taken for Azure.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalAzure } from "./localAzure.ts";
import { programSettings } from "./programSettings.ts";

const folderForm = /^azure-local-(\d+)-/;

/** Removes what stand-ins that were killed have left; their exports are of no use any more. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = folderForm.exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // somebody else's, and so is its folder
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

sweep();
const azure = await LocalAzure.start({ operationMs: 500, clusterReadyMs: 5_000 });
const folder = mkdtempSync(join(tmpdir(), `azure-local-${process.pid}-`));

// as in the README's useful commands
const subscriptionId = "00000000-0000-4000-8000-000000000001";
const networkId = azure.createNetwork(subscriptionId, "networks", "production");
const bodyFile = join(folder, "cluster.json");

const { providerApplication: provider, clusterApplication: cluster } = azure;
const settings = {
  ...programSettings(azure, folder),
  AZURE_POLL_SECONDS: "1",
  // apart from clusters of the local installer, and gone with what they consist of
  DATA_DIR: join(folder, "data"),
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
const curl = `curl --cacert ${settings.NODE_EXTRA_CA_CERTS}`;
process.stdout.write(
  `# The stand-in for Azure runs until Ctrl-C, which forgets everything, the clusters of npm start too: then begin anew, with new
# exports. In another shell:
${lines.join("\n")}
npm start

# In a third: create a cluster, with a service principal and subnets that are there. It takes about 20 seconds.
curl -i -X PUT '${clusterUrl}?api-version=2020-04-30' \\
  -H 'Content-Type: application/json' -d @${bodyFile}
# Look at it until it is Succeeded:
curl '${clusterUrl}?api-version=2020-04-30'
# Everything that would exist in Azure, and every request that came:
${curl} ${azure.url}/stand-in/resources
${curl} ${azure.url}/stand-in/calls

# Faults, for requests to come: the next three for machines are throttled, the answer to the next deployment is lost, the next
# question for a storage account is never answered, so that it is given up after a minute. The last line forgets those that are left.
${curl} ${azure.url}/stand-in/faults -d \\
  '{"path": "/virtualMachines/", "times": 3, "status": 429, "code": "TooManyRequests", "retryAfterSeconds": 1}'
${curl} ${azure.url}/stand-in/faults -d '{"method": "PUT", "path": "/deployments/", "lost": "answer"}'
${curl} ${azure.url}/stand-in/faults -d '{"method": "GET", "path": "/storageAccounts/", "hang": true}'
${curl} -X DELETE ${azure.url}/stand-in/faults
# A quota that doesn't suffice for the next cluster's machines, and a policy that forbids its resource group:
${curl} ${azure.url}/stand-in/faults -d \\
  '{"path": "/virtualMachines/", "status": 409, "code": "QuotaExceeded", "message": "No cores are left.", "inDeployment": true}'
${curl} ${azure.url}/stand-in/faults -d \\
  '{"method": "PUT", "path": "/resourceGroups/[^/]+$", "status": 403, "code": "RequestDisallowedByPolicy", "message": "Not here."}'

# Two more subnets, for a second cluster, which needs another name, domain and resource group too:
TOKEN="$(${curl} -s ${azure.url}/${azure.tenantId}/oauth2/v2.0/token --data-urlencode scope=${azure.url}/.default \\
  -d 'grant_type=client_credentials&client_id=${provider.clientId}' --data-urlencode 'client_secret=${provider.clientSecret}' |
  sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')"
for SUBNET in control-plane-2=10.0.2.0/24 workers-2=10.0.3.0/24; do
  ${curl} -X PUT "${azure.url}${networkId}/subnets/\${SUBNET%=*}?api-version=2024-05-01" -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' -d '{"properties": {"addressPrefix": "'\${SUBNET#*=}'"}}'
done
sed 's/control-plane"/control-plane-2"/; s/workers"/workers-2"/; s/mycluster/second/' ${bodyFile} |
  curl -i -X PUT '${clusterUrl.replace(/mycluster$/, "second")}?api-version=2020-04-30' -H 'Content-Type: application/json' -d @-
`,
);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    rmSync(folder, { recursive: true, force: true });
    process.stdout.write(
      "\n# Everything is forgotten, the data of npm start too: end npm start as well, then start both anew, with the new exports.\n",
    );
    void azure[Symbol.asyncDispose]();
  });
}
