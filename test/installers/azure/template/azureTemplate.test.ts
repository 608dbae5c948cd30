/** The typed model of templates: what doesn't compile, and how strings become part of expressions. */
import { expect, test } from "vitest";
import {
  literal,
  quoted,
  resource,
  resourceId,
} from "../../../../src/installers/azure/template/azureTemplate.ts";

test("a resource has the api-version of its type", () => {
  expect(
    resource("Microsoft.Network/routeTables", "table", {
      location: "westeurope",
      properties: { routes: [] },
    }),
  ).toEqual({
    type: "Microsoft.Network/routeTables",
    apiVersion: "2026-01-01",
    name: "table",
    location: "westeurope",
    properties: { routes: [] },
  });
});

test("a wrong property doesn't compile", () => {
  const wrong = [
    resource("Microsoft.Network/publicIPAddresses", "misspelt", {
      location: "westeurope",
      // @ts-expect-error ARM's name is `publicIPAllocationMethod`
      properties: { publicIpAllocationMethod: "Static" },
    }),
    resource("Microsoft.Network/publicIPAddresses", "flattened", {
      location: "westeurope",
      properties: {},
      // @ts-expect-error it belongs under `properties`
      publicIPAllocationMethod: "Static",
    }),
    resource("Microsoft.Storage/storageAccounts", "renamed", {
      location: "westeurope",
      kind: "StorageV2",
      sku: { name: "Standard_LRS" },
      // @ts-expect-error the SDK's name for ARM's `supportsHttpsTrafficOnly`
      properties: { supportsHttpsTrafficOnly: true, enableHttpsTrafficOnly: true },
    }),
    resource("Microsoft.Network/networkSecurityGroups", "nested", {
      location: "westeurope",
      properties: {
        // @ts-expect-error a rule's members belong under its own `properties`
        securityRules: [{ name: "rule", priority: 100 }],
      },
    }),
  ];
  expect(wrong).toHaveLength(4);
});

test.for([
  ["westeurope", "westeurope"],
  ["[resourceGroup().id]", "[[resourceGroup().id]"],
  ["[[a]]", "[[[a]]"],
  ["[open", "[open"],
  ["", ""],
])("%s as it is: %s", ([text, expected]) => {
  expect(literal(text!)).toBe(expected);
});

test("a quote can't end a string of an expression", () => {
  expect(quoted("a'), listKeys('b")).toBe("'a''), listKeys(''b'");
  expect(resourceId("Microsoft.Compute/disks", "a'b")).toBe(
    "[resourceId('Microsoft.Compute/disks', 'a''b')]",
  );
});
