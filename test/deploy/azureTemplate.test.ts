/**
 * The template of the Azure side: it is what the published types of its resources allow, it makes what the code expects to
 * find, and it lets nobody do more than a role needs. That its checks can fail is tested first.
 */
import { expect, test } from "vitest";
import {
  containerDefaultTtl,
  cosmosDatabase,
  documentsContainer,
  leasesContainer,
} from "../../src/store/cosmosLayout.ts";
import {
  azureTemplate,
  deployed,
  ofType,
  onlyOne,
  operatorObjectId,
  principalOf,
} from "./azureTemplate.ts";
import { AzureTypes, storedTypes } from "./azureTypes.ts";
import * as queries from "../../src/store/cosmosQueries.ts";
import { queueName } from "../../src/queue/storageQueueConnection.ts";
import type { EvaluatedResource, Template } from "./templateExpressions.ts";

const types = new AzureTypes(storedTypes());

const cosmos = "Microsoft.DocumentDB/databaseAccounts";
const storage = "Microsoft.Storage/storageAccounts";
const identities = "Microsoft.ManagedIdentity/userAssignedIdentities";
const kubernetes = "Microsoft.ContainerService/managedClusters";
const vaults = "Microsoft.KeyVault/vaults";

/** All faults of all resources. */
function faultsOf(template: Template): readonly string[] {
  return deployed({}, template).resources.flatMap(({ id: _id, referenced: _asked, ...resource }) =>
    types.faultsOf(resource).map((fault) => `${resource.type}: ${fault}`),
  );
}

/** The template with one member of the first resource of a type changed, or without it. */
function spoilt(type: string, path: string, value?: unknown): Template {
  const template = azureTemplate();
  const resource = template.resources.find((each) => each.type === type);
  const way = path.split(".");
  const name = way.pop() ?? "";
  const owner = memberOf(resource, way.join(".")) as Record<string, unknown>;
  if (value === undefined) delete owner[name];
  else owner[name] = value;
  return template;
}

/** What lies at a path such as `properties.resource.id`. */
function memberOf(value: unknown, path: string): unknown {
  return path
    .split(".")
    .filter((name) => name !== "")
    .reduce((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], value);
}

test("every resource is what its published type allows", () => {
  expect(faultsOf(azureTemplate())).toEqual([]);
});

test.each<[string, Template, RegExp]>([
  [
    "a member that its type doesn't have",
    spoilt(cosmos, "properties.disableLocalAuthentication", true),
    /databaseAccounts: \/properties must NOT have additional properties/,
  ],
  [
    "a member that it doesn't have, deep inside",
    spoilt(
      `${cosmos}/sqlDatabases/containers`,
      "properties.resource.indexingPolicy.excludedPath",
      [],
    ),
    /containers: \/properties\/resource\/indexingPolicy must NOT have additional properties/,
  ],
  [
    "a member that only Azure writes",
    spoilt(storage, "properties.provisioningState", "Succeeded"),
    /storageAccounts: \/properties must NOT have additional properties/,
  ],
  [
    "a value of another type",
    spoilt(storage, "properties.allowBlobPublicAccess", "false"),
    /storageAccounts: \/properties\/allowBlobPublicAccess must be boolean/,
  ],
  [
    "an expression of another type",
    spoilt(cosmos, "properties.disableLocalAuth", "[parameters('location')]"),
    /databaseAccounts: \/properties\/disableLocalAuth must be boolean/,
  ],
  [
    "a value that is none of those allowed",
    spoilt(storage, "properties.minimumTlsVersion", "TLS12"),
    /storageAccounts: \/properties\/minimumTlsVersion must be equal to one of/,
  ],
  [
    "a value out of range",
    spoilt(`${cosmos}/sqlDatabases/containers`, "properties.resource.partitionKey.version", 3),
    /containers: \/properties\/resource\/partitionKey\/version must be <= 2/,
  ],
  [
    "a required member that is missing",
    spoilt(cosmos, "properties.databaseAccountOfferType"),
    /databaseAccounts: \/properties must have required property 'databaseAccountOfferType'/,
  ],
  [
    "a member of another variant",
    spoilt(cosmos, "properties.backupPolicy.type", "Periodic"),
    /databaseAccounts: \/properties\/backupPolicy must NOT have additional properties/,
  ],
  [
    "a name of another form",
    spoilt("Microsoft.ContainerRegistry/registries", "name", "a-b-c"),
    /registries: \/name must match pattern/,
  ],
  [
    "an api-version that is not stored",
    spoilt(storage, "apiVersion", "2015-06-15"),
    /storageAccounts: no type/,
  ],
])("refused: %s", (_what, template, expected) => {
  expect(faultsOf(template).join("\n")).toMatch(expected);
});

test.each([
  ["an unknown parameter", "[parameters('loaction')]", /no parameter loaction/],
  ["an unknown variable", "[variables('acount')]", /no variable acount/],
  ["an unknown function", "[resourceIdd('a')]", /function resourceIdd/],
  ["a name too few", `[resourceId('${storage}/queueServices', 'a')]`, /has 2 names, not 1/],
  ["a parenthesis too few", "[format('{0}', 'a']", /ends too early/],
  ["a parenthesis too many", "[format('{0}', 'a'))]", /goes on with \)/],
  ["a value too few", "[format('{0}{1}', 'a')]", /no value for \{1\}/],
])("refused: an expression with %s", (_what, expression, expected) => {
  const template = spoilt(storage, "location", expression);
  expect(() => deployed({}, template)).toThrow(expected);
});

test("parameters keep to their limits", () => {
  expect(() => deployed({ cosmosMaxThroughput: 400 })).toThrow(/cosmosMaxThroughput/);
  expect(() => deployed({ namePrefix: "much-too-long" })).toThrow(/namePrefix/);
  expect(() => deployed({ clusterTier: "Cheap" })).toThrow(/clusterTier/);
  expect(() => deployed({ disableLocalAuth: "yes" })).toThrow(/disableLocalAuth/);
  expect(() => deployed({ tags: {} })).toThrow(/no parameter tags/);
  expect(() => deployed({ operatorObjectId: undefined })).toThrow(/operatorObjectId must be given/);
});

/** Ids of other resources in the template that a resource's members name. */
function named(resource: EvaluatedResource, ids: readonly string[]): readonly string[] {
  const { dependsOn: _dependsOn, id, referenced, ...members } = resource;
  const text = JSON.stringify(members);
  const owners = ids.filter((other) => other !== id && id.startsWith(`${other}/`));
  return [...owners, ...referenced, ...ids.filter((other) => text.includes(`"${other}"`))];
}

/** Whether a resource waits for another, or for one that does. */
function waitsFor(
  resource: EvaluatedResource,
  id: string,
  all: ReadonlyMap<string, EvaluatedResource>,
): boolean {
  return [...(resource.dependsOn ?? []), ...resource.referenced].some((other) => {
    const next = all.get(other);
    return other === id || (next !== undefined && waitsFor(next, id, all));
  });
}

/** What is used before it is there, and what is waited for and never comes. */
function faultsOfOrder(template: Template): readonly string[] {
  const { resources } = deployed({}, template);
  const all = new Map(resources.map((resource) => [resource.id, resource]));
  return resources.flatMap((resource) => [
    ...named(resource, [...all.keys()])
      .filter((id) => !waitsFor(resource, id, all))
      .map((id) => `${resource.id} does not wait for ${id}`),
    ...(resource.dependsOn ?? [])
      .filter((id) => !all.has(id))
      .map((id) => `${resource.id} waits for ${id}, which is not in the template`),
  ]);
}

test("no resource is made before those that it names", () => {
  expect(faultsOfOrder(azureTemplate())).toEqual([]);
  const early = spoilt(`${storage}/queueServices/queues`, "dependsOn", []);
  expect(faultsOfOrder(early).join("\n")).toMatch(/queues\/\S+ does not wait for \S+\/default/);
  const lost = spoilt(`${storage}/queueServices`, "dependsOn", [
    `[resourceId('${storage}', 'another')]`,
  ]);
  expect(faultsOfOrder(lost).join("\n")).toMatch(/another, which is not in the template/);
});

test("no two resources are the same", () => {
  const ids = deployed().resources.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test("the longest prefix leaves all names within their limits", () => {
  const { resources } = deployed({ namePrefix: "elevenchars" });
  for (const { id: _id, referenced: _asked, ...resource } of resources) {
    expect(types.faultsOf(resource)).toEqual([]);
  }
});

test("the account keeps what the store asks of it", () => {
  expect(onlyOne(deployed(), cosmos)).toMatchObject({
    properties: {
      consistencyPolicy: { defaultConsistencyLevel: "Strong" },
      enableMultipleWriteLocations: false,
      // toMatchObject takes an array as a whole
      locations: [{ locationName: "eastus", failoverPriority: 0 }],
      backupPolicy: { type: "Continuous" },
      minimalTlsVersion: "Tls12",
      // there is no virtual network that could lead to it
      publicNetworkAccess: "Enabled",
      // with a key nobody may change what the account is
      disableKeyBasedMetadataWriteAccess: true,
    },
  });
});

test.each([
  ["refused, if nothing is said", {}, true],
  ["refused", { disableLocalAuth: true }, true],
  ["taken", { disableLocalAuth: false }, false],
])("keys are %s", (_what, parameters, areRefused) => {
  const evaluated = deployed(parameters);
  expect(onlyOne(evaluated, cosmos)).toMatchObject({
    properties: { disableLocalAuth: areRefused },
  });
  expect(onlyOne(evaluated, storage)).toMatchObject({
    properties: { allowSharedKeyAccess: !areRefused },
  });
});

test("the database is the one that the program opens, and its throughput follows the load", () => {
  const database = onlyOne(deployed({ cosmosMaxThroughput: 4000 }), `${cosmos}/sqlDatabases`);
  expect(database["properties"]).toEqual({
    resource: { id: cosmosDatabase },
    options: { autoscaleSettings: { maxThroughput: 4000 } },
  });
});

test("the containers are those that the program opens", () => {
  const evaluated = deployed();
  const containers = ofType(evaluated, `${cosmos}/sqlDatabases/containers`);
  const account = onlyOne(evaluated, cosmos).name;
  expect(containers).toHaveLength(2);
  for (const [at, layout] of [documentsContainer, leasesContainer].entries()) {
    expect(containers[at]?.name).toBe(`${account}/${cosmosDatabase}/${layout.name}`);
    expect(memberOf(containers[at], "properties")).toEqual({
      // neither unique keys, as ids are derived, nor throughput of its own
      resource: {
        id: layout.name,
        partitionKey: { paths: [layout.partitionKey], kind: "Hash", version: 2 },
        defaultTtl: containerDefaultTtl,
        indexingPolicy: expect.objectContaining({
          // with `none` items would not expire
          indexingMode: "consistent",
        }),
      },
    });
  }
});

function pathsOf(container: unknown, list: string): readonly string[] {
  const policy = memberOf(container, "properties.resource.indexingPolicy");
  return (memberOf(policy, list) as readonly { readonly path: string }[]).map(({ path }) => path);
}

/** Whether a path such as `/scheduling/unqueued` gets into an index: the longest path that covers it decides. */
function isIndexed(container: unknown, path: string): boolean {
  const lengthOf = (list: string): number =>
    Math.max(
      -1,
      ...pathsOf(container, list).map((each) => {
        const base = each.replace(/\/[*?]$/, "");
        const covers = each.endsWith("/*") ? path.startsWith(`${base}/`) : path === base;
        return covers ? base.length : -1;
      }),
    );
  return lengthOf("includedPaths") > lengthOf("excludedPaths");
}

/** What the queries of the program compare or order by. */
function askedPaths(): readonly string[] {
  // that of who rotates keys goes over all clusters, rather than have anything of their secrets in an index
  const { notSealedByQuery: _, ...others } = queries;
  const texts = Object.values(others).map((query) =>
    typeof query === "string" ? query : query({ toPartition: true, toState: true }),
  );
  const conditions = texts.map((query) => query.slice(query.indexOf(" WHERE ")));
  const members = conditions.flatMap((text) => [...text.matchAll(/\bc\.([\w.]+)/g)]);
  return [...new Set(members.map(([, member = ""]) => `/${member.replaceAll(".", "/")}`))];
}

test("the index holds what queries ask for, and nothing of a document", () => {
  const [documents, leases] = ofType(deployed(), `${cosmos}/sqlDatabases/containers`);
  expect(askedPaths()).toContain("/scheduling/sweepAfter");
  for (const path of askedPaths()) {
    expect([path, isIndexed(documents, path)]).toEqual([path, true]);
  }
  const unwanted = [
    "/document",
    "/document/secrets/pullSecret",
    "/secrets",
    "/secrets/keyId",
    "/secrets/ciphertext",
    "/writeId",
    "/ttl",
    "/of/a/release",
  ];
  for (const path of unwanted) {
    expect([path, isIndexed(documents, path)]).toEqual([path, false]);
  }
  expect(isIndexed(leases, "/owner")).toBe(false);
  // each policy must say what becomes of all other paths, and one of a document says it of the secrets by name
  expect(pathsOf(documents, "excludedPaths")).toEqual(["/document/*", "/secrets/*", "/*"]);
  expect(pathsOf(leases, "excludedPaths")).toEqual(["/*"]);
});

test("the storage account is closed to the public, and has the queue of the program", () => {
  const evaluated = deployed();
  const account = onlyOne(evaluated, storage);
  expect(account).toMatchObject({
    properties: {
      minimumTlsVersion: "TLS1_2",
      allowBlobPublicAccess: false,
      supportsHttpsTrafficOnly: true,
      publicNetworkAccess: "Enabled",
    },
  });
  const queue = onlyOne(evaluated, `${storage}/queueServices/queues`);
  expect(queue.name).toBe(`${account.name}/default/${queueName}`);
});

test("the key vault keeps what is deleted by mistake, and lets in identities only", () => {
  expect(onlyOne(deployed(), vaults)).toMatchObject({
    properties: {
      enableRbacAuthorization: true,
      enableSoftDelete: true,
      softDeleteRetentionInDays: 90,
      // a key that is gone takes the secrets of all clusters with it
      enablePurgeProtection: true,
    },
  });
});

test("nothing in it is a secret, and it gives none out", () => {
  const text = JSON.stringify(azureTemplate());
  expect(text).not.toMatch(/listKeys|listConnectionStrings|listCredentials|listSecrets|list\w*\(/i);
  expect(text).not.toMatch(
    /secureString|secureObject|AccountKey|SharedAccess|[A-Za-z0-9+/]{86}==/i,
  );
  const { outputs } = deployed();
  expect(Object.keys(outputs).toSorted()).toEqual([
    "backendClientId",
    "cluster",
    "cosmosAccount",
    "forwarderClientId",
    "frontendClientId",
    "keyVault",
    "location",
    "registry",
    "registryServer",
    "scalerClientId",
    "storageAccount",
    "workspaceId",
  ]);
});

/** Each grant as `who: role on what`. */
function grants(): readonly string[] {
  const evaluated = deployed();
  const people = new Map<string, string>([
    [operatorObjectId, "operator"],
    [principalOf(`${onlyOne(evaluated, kubernetes).id}/kubelet`), "nodes"],
    ...ofType(evaluated, identities).map(({ id, name }): [string, string] => [
      principalOf(id),
      name.replace("openshiftrp-", ""),
    ]),
  ]);
  const all = [
    ...ofType(evaluated, `${cosmos}/sqlRoleAssignments`),
    ...ofType(evaluated, "Microsoft.Authorization/roleAssignments"),
  ];
  return all.map((assignment) => {
    const principalId = String(memberOf(assignment, "properties.principalId"));
    const roleId = String(memberOf(assignment, "properties.roleDefinitionId"));
    const role = builtInRoles[roleId.split("/").at(-1) ?? ""];
    const ownScope = memberOf(assignment, "properties.scope");
    const scope = typeof ownScope === "string" ? ownScope : (assignment.scope ?? "");
    const on = scope.replace(/^.*\/providers\/[^/]+\//, "");
    return `${people.get(principalId)}: ${role} on ${on}`;
  });
}

/** As in Azure's list of built-in roles. */
const builtInRoles: Readonly<Record<string, string>> = {
  "00000000-0000-0000-0000-000000000002": "Cosmos DB Built-in Data Contributor",
  "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
  "19e7f393-937e-4f77-808e-94535e297925": "Storage Queue Data Reader",
  "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
  "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
  "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
  "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b": "Azure Kubernetes Service RBAC Cluster Admin",
};

test("everyone may do what their work needs, where they do it, and no more", () => {
  const evaluated = deployed();
  const database = `databaseAccounts/${onlyOne(evaluated, cosmos).name}/dbs/${cosmosDatabase}`;
  const account = onlyOne(evaluated, storage).name;
  const queue = `storageAccounts/${account}/queueServices/default/queues/${queueName}`;
  const registry = onlyOne(evaluated, "Microsoft.ContainerRegistry/registries").name;
  const vault = onlyOne(evaluated, vaults).name;
  expect(grants().toSorted()).toEqual([
    `backend: Cosmos DB Built-in Data Contributor on ${database}`,
    `backend: Key Vault Secrets User on vaults/${vault}`,
    `backend: Storage Queue Data Contributor on ${queue}`,
    `forwarder: Cosmos DB Built-in Data Contributor on ${database}`,
    `forwarder: Key Vault Secrets User on vaults/${vault}`,
    `forwarder: Storage Queue Data Contributor on ${queue}`,
    // the frontend never talks to the queue
    `frontend: Cosmos DB Built-in Data Contributor on ${database}`,
    `frontend: Key Vault Secrets User on vaults/${vault}`,
    `nodes: AcrPull on registries/${registry}`,
    `operator: Azure Kubernetes Service RBAC Cluster Admin on managedClusters/openshiftrp-kubernetes`,
    // who makes the key, and rotates it
    `operator: Key Vault Secrets Officer on vaults/${vault}`,
    `scaler: Storage Queue Data Reader on ${queue}`,
  ]);
});

test("the cluster has no accounts of its own, and signs its service accounts in", () => {
  expect(onlyOne(deployed(), kubernetes)).toMatchObject({
    properties: {
      disableLocalAccounts: true,
      aadProfile: { managed: true, enableAzureRBAC: true },
      oidcIssuerProfile: { enabled: true },
      securityProfile: { workloadIdentity: { enabled: true } },
      workloadAutoScalerProfile: { keda: { enabled: true } },
      // without one of these the NetworkPolicy of the manifests is not kept
      networkProfile: { networkPolicy: "cilium", networkDataplane: "cilium" },
      agentPoolProfiles: [expect.objectContaining({ enableAutoScaling: true })],
    },
  });
});

test("identities trust tokens that are meant for them", () => {
  const trusted = ofType(deployed(), `${identities}/federatedIdentityCredentials`);
  expect(trusted).toHaveLength(4);
  for (const { properties } of trusted) {
    expect(properties).toMatchObject({ audiences: ["api://AzureADTokenExchange"] });
  }
});

test("the registry lets in identities only", () => {
  expect(onlyOne(deployed(), "Microsoft.ContainerRegistry/registries")).toMatchObject({
    properties: { adminUserEnabled: false },
  });
});
