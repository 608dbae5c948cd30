/**
 * `npm run azure:local`: the stand-in for Azure in a process of its own, to try the installer for Azure on this machine. It keeps
 * everything in memory and forgets it at its end; it must never be taken for Azure.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pasted, startLines } from "../process/pastedLines.ts";
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
const secondUrl = clusterUrl.replace(/mycluster$/, "second");
const version = "api-version=2020-04-30";
const curl = `curl --cacert ${settings.NODE_EXTRA_CA_CERTS}`;
const faults = `${curl} -w '\\n' ${azure.url}/stand-in/faults`;
process.stdout.write(
  `The stand-in for Azure runs until Ctrl-C, which forgets everything, the clusters of npm start too: then begin anew, with new
exports. In another shell paste what is indented:

${startLines(settings)}
In a third shell create a cluster, with a service principal and subnets that are there. It takes about 20 seconds. Here and below
8080 is the port of npm start: put another in its place if PORT says otherwise.

${pasted(`curl -i -X PUT '${clusterUrl}?${version}' \\
  -H 'Content-Type: application/json' -d @${bodyFile}`)}

Look at it until it is Succeeded:

${pasted(`curl '${clusterUrl}?${version}'`)}

Everything that would exist in Azure, one resource a line (the whole of each, as JSON, without ?format=text):

${pasted(`${curl} '${azure.url}/stand-in/resources?format=text'`)}

Every request that came:

${pasted(`${curl} -w '\\n' ${azure.url}/stand-in/calls`)}

A fault is for requests to come, so it shows with the next operation only: set a fault, then create, scale or delete a cluster; after
a failure send the PUT again. The next three requests for machines are throttled:

${pasted(`${faults} -d \\
  '{"path": "/virtualMachines/", "times": 3, "status": 429, "code": "TooManyRequests", "retryAfterSeconds": 1}'`)}

The answer to the next deployment is lost:

${pasted(`${faults} -d '{"method": "PUT", "path": "/deployments/", "lost": "answer"}'`)}

The next question for a storage account is never answered, so that it is given up after a minute:

${pasted(`${faults} -d '{"method": "GET", "path": "/storageAccounts/", "hang": true}'`)}

A quota doesn't suffice for the next cluster's machines:

${pasted(`${faults} -d \\
  '{"path": "/virtualMachines/", "status": 409, "code": "QuotaExceeded", "message": "No cores are left.", "inDeployment": true}'`)}

A policy forbids the next cluster's resource group:

${pasted(`${faults} -d \\
  '{"method": "PUT", "path": "/resourceGroups/[^/]+$", "status": 403, "code": "RequestDisallowedByPolicy", "message": "Not here."}'`)}

Forget the faults that are left:

${pasted(`${faults} -X DELETE`)}

Delete the cluster:

${pasted(`curl -i -X DELETE '${clusterUrl}?${version}'`)}

Look at what remains, until the cluster is 404 and the resources are those that were there before it:

${pasted(`curl -i '${clusterUrl}?${version}'
${curl} '${azure.url}/stand-in/resources?format=text'`)}

A second cluster beside the first needs two more subnets, and another name, domain and resource group too:

${pasted(`TOKEN="$(${curl} -s ${azure.url}/${azure.tenantId}/oauth2/v2.0/token --data-urlencode scope=${azure.url}/.default \\
  -d 'grant_type=client_credentials&client_id=${provider.clientId}' --data-urlencode 'client_secret=${provider.clientSecret}' |
  sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')"
for SUBNET in control-plane-2=10.0.2.0/24 workers-2=10.0.3.0/24; do
  ${curl} -X PUT "${azure.url}${networkId}/subnets/\${SUBNET%=*}?api-version=2024-05-01" -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' -d '{"properties": {"addressPrefix": "'\${SUBNET#*=}'"}}'
done
sed 's/control-plane"/control-plane-2"/; s/workers"/workers-2"/; s/mycluster/second/' ${bodyFile} |
  curl -i -X PUT '${secondUrl}?${version}' -H 'Content-Type: application/json' -d @-`)}
`,
);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    rmSync(folder, { recursive: true, force: true });
    process.stdout.write(
      "\nEverything is forgotten, the data of npm start too: end npm start as well, then start both anew, with the new exports.\n",
    );
    void azure[Symbol.asyncDispose]();
  });
}
