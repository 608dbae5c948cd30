/** Signing in, and what a subscription says of itself. */
import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { ComputeManagementClient } from "@azure/arm-compute";
import { NetworkManagementClient } from "@azure/arm-network";
import { ClientSecretCredential, DefaultAzureCredential } from "@azure/identity";
import { expect, test, vi } from "vitest";
import { armClients, clientOptions, subscriptionId } from "./armClients.ts";
import { LocalAzure } from "./localAzure.ts";

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function started() {
  const azure = await LocalAzure.start();
  const { credential, resources } = armClients(azure);
  const options = clientOptions(azure);
  return {
    azure,
    credential,
    resources,
    authorization: new AuthorizationManagementClient(credential, subscriptionId, {
      ...options,
      credentialScopes: options.credentials.scopes,
    }),
    compute: new ComputeManagementClient(credential, subscriptionId, options),
    network: new NetworkManagementClient(credential, subscriptionId, options),
  };
}

function claimsOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

test("a token names its holder, tenant and application, and comes by the environment's settings too", async () => {
  await using azure = await LocalAzure.start();
  azure.trust();
  const { clientId, clientSecret, objectId } = azure.providerApplication;
  const signingIn = { authorityHost: azure.url, disableInstanceDiscovery: true };
  vi.stubEnv("AZURE_TENANT_ID", azure.tenantId);
  vi.stubEnv("AZURE_CLIENT_ID", clientId);
  vi.stubEnv("AZURE_CLIENT_SECRET", clientSecret);
  try {
    const { token } = await new DefaultAzureCredential(signingIn).getToken(`${azure.url}/.default`);
    expect(claimsOf(token)).toMatchObject({
      oid: objectId,
      tid: azure.tenantId,
      appid: clientId,
      aud: azure.url,
    });
  } finally {
    vi.unstubAllEnvs();
  }
});

test.each([
  ["a wrong secret", { clientSecret: "wrong" }, /AADSTS7000215: Invalid client secret provided/],
  [
    "an unknown application",
    { clientId: "00000000-0000-4000-8000-000000000000" },
    /AADSTS700016: Application with identifier/,
  ],
  [
    "an unknown tenant",
    { tenantId: "00000000-0000-4000-8000-000000000000" },
    /AADSTS90002: Tenant/,
  ],
])("refuses %s as Entra ID does", async (_name, wrong, message) => {
  await using azure = await LocalAzure.start();
  azure.trust();
  const right = { tenantId: azure.tenantId, ...azure.clusterApplication };
  const { tenantId, clientId, clientSecret } = { ...right, ...wrong };
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, {
    authorityHost: azure.url,
    disableInstanceDiscovery: true,
  });
  await expect(credential.getToken(`${azure.url}/.default`)).rejects.toThrow(message);
});

test("answers nobody without a token of its own, or without an api-version that is a date", async () => {
  const { azure, credential } = await started();
  await using _ = azure;
  const { token } = (await credential.getToken(`${azure.url}/.default`)) ?? {};
  const ask = async (query: string, authorization?: string) => {
    const answer = await fetch(`${azure.url}/subscriptions/${subscriptionId}${query}`, {
      headers: authorization === undefined ? {} : { authorization },
    });
    const { error } = (await answer.json()) as { error?: { code: string } };
    return [answer.status, error?.code];
  };
  const dated = "?api-version=2022-12-01";
  expect(await ask(dated)).toEqual([401, "AuthenticationFailed"]);
  expect(await ask(dated, `Bearer ${token}x`)).toEqual([401, "InvalidAuthenticationToken"]);
  expect(await ask(dated, "Bearer nonsense")).toEqual([401, "InvalidAuthenticationToken"]);
  expect(await ask("", `Bearer ${token}`)).toEqual([400, "MissingApiVersionParameter"]);
  expect(await ask("?api-version=latest", `Bearer ${token}`)).toEqual([
    400,
    "InvalidApiVersionParameter",
  ]);
  expect(await ask(dated, `Bearer ${token}`)).toEqual([200, undefined]);
});

test("a provider that isn't registered takes no resources until it is", async () => {
  const { azure, resources, network } = await started();
  await using _ = azure;
  azure.conditions.registrations.set("Microsoft.Network", "NotRegistered");
  await resources.resourceGroups.createOrUpdate("made", { location: "eastus" });
  const create = async () =>
    await network.routeTables.createOrUpdate(
      "made",
      "table",
      { location: "eastus" },
      { updateIntervalInMs: 10 },
    );
  await expect(create()).rejects.toMatchObject({
    statusCode: 409,
    code: "MissingSubscriptionRegistration",
  });
  await resources.providers.register("Microsoft.Network");
  const states: unknown[] = [];
  for (let time = 0; time < 2; time += 1) {
    states.push((await resources.providers.get("microsoft.network")).registrationState);
  }
  expect(states).toEqual(["Registering", "Registered"]);
  await create();
  const all = await collected(resources.providers.list());
  expect(all.map(({ namespace }) => namespace)).toContain("Microsoft.Compute");
});

test("tells each principal its permissions, and everybody sizes and quota", async () => {
  const { azure, authorization, compute, network } = await started();
  await using _ = azure;
  const ours = await collected(authorization.permissions.listForResourceGroup("any"));
  expect(ours).toMatchObject([{ actions: ["*"], notActions: [] }]);
  azure.conditions.permissions.set(azure.providerApplication.objectId, [
    { actions: ["*/read"], notActions: [] },
  ]);
  const fewer = await collected(authorization.permissions.listForResourceGroup("any"));
  expect(fewer).toMatchObject([{ actions: ["*/read"] }]);

  azure.conditions.skus = azure.conditions.skus.map((sku) =>
    sku.name === "Standard_D8s_v3" ? { ...sku, restrictedZones: ["2"] } : sku,
  );
  const skus = await collected(compute.resourceSkus.list({ filter: "location eq 'westeurope'" }));
  expect(skus.find(({ name }) => name === "Standard_D8s_v3")).toMatchObject({
    resourceType: "virtualMachines",
    locations: ["westeurope"],
    locationInfo: [{ location: "westeurope", zones: ["1", "2", "3"] }],
    restrictions: [{ type: "Zone", restrictionInfo: { zones: ["2"] } }],
  });
  azure.conditions.coresLimit = 24;
  const usages = await collected(compute.usage.list("eastus"));
  expect(usages.find(({ name }) => name.value === "standardDSv3Family")).toMatchObject({
    currentValue: 0,
    limit: 24,
  });
  const addresses = await collected(network.usages.list("eastus"));
  expect(addresses.find(({ name }) => name.value === "PublicIPAddresses")).toMatchObject({
    currentValue: 0,
    limit: 1000,
  });
});

test("a subscription that doesn't exist is not found", async () => {
  const { azure, resources } = await started();
  await using _ = azure;
  azure.conditions.missingSubscriptions.add(subscriptionId);
  await expect(resources.resourceGroups.get("any")).rejects.toMatchObject({
    statusCode: 404,
    code: "SubscriptionNotFound",
  });
});
