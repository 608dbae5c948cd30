/** The template of a cluster's storage account: no way in but by TLS and with a key. */
import { expect, test } from "vitest";
import { storageTemplate } from "../../../../src/installers/azure/template/storageTemplate.ts";

const input = {
  storageAccount: "clusterab23cd45",
  location: "westeurope",
  incarnationId: "0d6f1f3e-9d0c-4b7e-8a53-2b7a4f1c9e10",
};

test("the template is as its file shows", async () => {
  const text = `${JSON.stringify(storageTemplate(input), undefined, 2)}\n`;
  await expect(text).toMatchFileSnapshot("templates/storage.json");
});

test("the account is closed to the public, and so is each of its three containers", () => {
  const { parameters, resources } = storageTemplate(input);
  expect(parameters).toEqual({});
  const [account, ...containers] = resources;
  expect(account).toMatchObject({
    name: "clusterab23cd45",
    tags: { "openshift-rp-incarnation": input.incarnationId },
    sku: { name: "Standard_LRS" },
    properties: {
      minimumTlsVersion: "TLS1_2",
      supportsHttpsTrafficOnly: true,
      allowBlobPublicAccess: false,
    },
  });
  expect(containers.map(({ name }) => name)).toEqual([
    "clusterab23cd45/default/vhd",
    "clusterab23cd45/default/ignition",
    "clusterab23cd45/default/aro",
  ]);
  for (const container of containers) {
    expect(container).toMatchObject({
      dependsOn: ["[resourceId('Microsoft.Storage/storageAccounts', 'clusterab23cd45')]"],
      properties: { publicAccess: "None" },
    });
  }
});

test("a location that looks like an expression is none", () => {
  const { resources } = storageTemplate({ ...input, location: "[resourceGroup().id]" });
  expect(resources[0]).toMatchObject({ location: "[[resourceGroup().id]" });
});
