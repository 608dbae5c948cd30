/**
 * A client that AutoRest makes of the generated Swagger, as a user's SDK is made, compiles and takes a cluster of the
 * real program through its life, long-running operations and errors included.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { RpProcess, temporaryFolder } from "../process/rpProcess.ts";
import {
  exampleRequests,
  operationsOf,
  resourceGroup,
  served,
  subscription,
  type Body,
  type Contract,
} from "./contracts.ts";
import { autorest, credential, run, tool } from "./tools.ts";

interface Cluster {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties: {
    readonly provisioningState: string;
    readonly workerProfiles: readonly { readonly count: number }[];
  };
}

/** What is used of the client that is made. */
interface Client {
  readonly pipeline: { removePolicy(policy: { readonly name: string }): void };
  readonly operations: { list(): AsyncIterable<{ readonly name: string }> };
  readonly openShiftClusters: {
    listBySubscription(): AsyncIterable<Cluster>;
    listByResourceGroup(group: string): AsyncIterable<Cluster>;
    get(group: string, name: string): Promise<Cluster>;
    beginCreateOrUpdateAndWait(group: string, name: string, body: Body): Promise<Cluster>;
    beginUpdateAndWait(group: string, name: string, body: Body): Promise<Cluster>;
    beginDeleteAndWait(group: string, name: string): Promise<void>;
    listCredentials(group: string, name: string): Promise<Body>;
    getCredentials?(group: string, name: string): Promise<Body>;
  };
}

interface ClientModule {
  readonly OpenShiftClustersOnAzure: new (
    credential: object,
    subscriptionId: string,
    options: object,
  ) => Client;
}

/** Beside the packages that it needs, and where nothing takes it for a part of the program. */
function clientFolder({ version }: Contract): string {
  return join(import.meta.dirname, "node_modules/.clients", version);
}

/** Makes the client's sources and compiles them. */
async function makeClient(contract: Contract): Promise<void> {
  const folder = clientFolder(contract);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await autorest(
    ["@autorest/modelerfour", "@autorest/typescript"],
    [
      "--typescript",
      "--azure-arm",
      "--openapi-type=arm",
      `--input-file=${contract.path}`,
      `--output-folder=${folder}`,
    ],
  );
  const settings = {
    compilerOptions: {
      target: "es2024",
      module: "nodenext",
      types: ["node"],
      strict: true,
      skipLibCheck: true,
      rootDir: "src",
      outDir: "dist",
    },
    include: ["src"],
    exclude: [],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
  const compiler = fileURLToPath(new URL("../bin/tsc", import.meta.resolve("typescript")));
  await run([compiler, "-p", folder]);
}

function madeClient(contract: Contract, origin: string): Client {
  const { OpenShiftClustersOnAzure } = tool<ClientModule>(
    join(clientFolder(contract), "dist/index.js"),
  );
  const client = new OpenShiftClustersOnAzure(credential, subscription, {
    endpoint: origin,
    allowInsecureConnection: true,
  });
  // tokens are sent by https alone
  client.pipeline.removePolicy({ name: "bearerTokenAuthenticationPolicy" });
  return client;
}

async function names(items: AsyncIterable<{ readonly name: string }>): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name } of items) found.push(name);
  return found;
}

describe.each(served)("$version", (contract) => {
  test("AutoRest makes a client, and it compiles", async () => {
    await makeClient(contract);
    expect(tool(join(clientFolder(contract), "dist/index.js"))).toHaveProperty(
      "OpenShiftClustersOnAzure",
    );
  });

  test("the client takes a cluster through its life", async () => {
    using folder = temporaryFolder();
    await using rp = await RpProcess.start({ DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "1" });
    const client = madeClient(contract, rp.url);
    const clusters = client.openShiftClusters;
    const requests = exampleRequests(contract);
    const [group, name] = [resourceGroup, "production"];

    expect(await names(client.operations.list())).toContain(
      "RedHat.OpenShift/OpenShiftClusters/write",
    );
    const created = await clusters.beginCreateOrUpdateAndWait(group, name, requests.create);
    expect(created).toMatchObject({
      name,
      tags: requests.create["tags"],
      properties: { provisioningState: "Succeeded" },
    });
    expect(await clusters.get(group, name)).toEqual(created);
    expect(await names(clusters.listByResourceGroup(group))).toEqual([name]);
    expect(await names(clusters.listByResourceGroup("another"))).toEqual([]);
    expect(await names(clusters.listBySubscription())).toEqual([name]);

    const tagged = await clusters.beginUpdateAndWait(group, name, requests.tag);
    expect(tagged.tags).toEqual(requests.tag["tags"]);
    const scaled = await clusters.beginUpdateAndWait(group, name, requests.scale);
    expect(scaled).toMatchObject({ ...requests.scale, tags: tagged.tags });
    expect(scaled.properties.provisioningState).toBe("Succeeded");

    const credentials = await clusters.listCredentials(group, name);
    expect(credentials["kubeadminPassword"]).toMatch(/./);
    if (operationsOf(contract).includes("OpenShiftClusters_GetCredentials")) {
      expect(await clusters.getCredentials?.(group, name)).toEqual(credentials);
    }

    await clusters.beginDeleteAndWait(group, name);
    expect(await names(clusters.listBySubscription())).toEqual([]);
  });

  test("the client reads the codes of errors", async () => {
    using folder = temporaryFolder();
    await using rp = await RpProcess.start({ DATA_DIR: folder.path });
    const clusters = madeClient(contract, rp.url).openShiftClusters;
    const { create } = exampleRequests(contract);

    await expect(clusters.get(resourceGroup, "missing")).rejects.toMatchObject({
      statusCode: 404,
      code: "ResourceNotFound",
    });
    const elsewhere = { ...create, location: "nowhere" };
    await expect(
      clusters.beginCreateOrUpdateAndWait(resourceGroup, "elsewhere", elsewhere),
    ).rejects.toMatchObject({ statusCode: 400, code: "InvalidParameter" });
  });
});
