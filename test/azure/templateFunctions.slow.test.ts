/** The functions of templates: values that their documentation gives, or that follow from what it says. */
import { expect, test } from "vitest";
import { evaluate, TemplateError, withLoop, type TemplateScope } from "./templateFunctions.ts";

const group = "/subscriptions/s1/resourceGroups/g1";
const scope: TemplateScope = {
  subscriptionId: "s1",
  tenantId: "t1",
  resourceGroup: { id: group, name: "g1", location: "eastus" },
  deploymentName: "d1",
  parameter: (name) => ({ list: ["a", "b"], size: 3 })[name],
  variable: (name) => ({ nested: { deep: [{ name: "found" }] } })[name],
  loopIndex: () => {
    throw new TemplateError("no loop");
  },
  reference: (id, { full }) => (full ? { id, properties: { state: "there" } } : { state: "there" }),
  listKeys: (id) => ({ keys: [{ value: `key of ${id}` }] }),
};

test.each([
  ["[concat('a', 'b', 1)]", "ab1"],
  ["[concat(parameters('list'), createArray('c'))]", ["a", "b", "c"]],
  ["[variables('nested').deep[0].name]", "found"],
  ["[parameters('list')[1]]", "b"],
  ["[format('{0}-{1:D3} {{x}}', 'n', 7)]", "n-007 {x}"],
  [
    "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'v', 's')]",
    `${group}/providers/Microsoft.Network/virtualNetworks/v/subnets/s`,
  ],
  [
    "[resourceId('g2', 'Microsoft.Compute/disks', 'd')]",
    "/subscriptions/s1/resourceGroups/g2/providers/Microsoft.Compute/disks/d",
  ],
  [
    "[resourceId('s2', 'g2', 'Microsoft.Compute/disks', 'd')]",
    "/subscriptions/s2/resourceGroups/g2/providers/Microsoft.Compute/disks/d",
  ],
  [
    "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')]",
    "/subscriptions/s1/providers/Microsoft.Authorization/roleDefinitions/r",
  ],
  [
    "[extensionResourceId(resourceGroup().id, 'Microsoft.Authorization/locks', 'l')]",
    `${group}/providers/Microsoft.Authorization/locks/l`,
  ],
  ["[resourceGroup().location]", "eastus"],
  ["[subscription().tenantId]", "t1"],
  ["[reference('x').state]", "there"],
  ["[reference('x', '2024-01-01', 'Full').properties.state]", "there"],
  ["[listKeys('x', '2024-01-01').keys[0].value]", "key of x"],
  ["[if(equals(parameters('size'), 3), 'three', missing('never evaluated'))]", "three"],
  ["[and(true(), or(false(), not(false())))]", true],
  ["[string(true())]", "true"],
  ["[string(createObject('a', 1))]", '{"a":1}'],
  ["[add(mul(2, 3), div(7, 2))]", 9],
  ["[mod(7, 3)]", 1],
  ["[range(5, 3)]", [5, 6, 7]],
  ["[base64('one, two, three')]", "b25lLCB0d28sIHRocmVl"],
  ["[base64ToString(base64('ü'))]", "ü"],
  ["[padLeft('123', 10, '0')]", "0000000123"],
  ["[split('one,two,three', ',')]", ["one", "two", "three"]],
  ["[join(parameters('list'), '+')]", "a+b"],
  ["[substring('one two three', 4, 3)]", "two"],
  ["[take('one two', 2)]", "on"],
  ["[skip(createArray(1, 2, 3), 2)]", [3]],
  ["[union(createArray(1, 2), createArray(2, 3))]", [1, 2, 3]],
  ["[union(createObject('a', 1), createObject('a', 2))]", { a: 2 }],
  ["[empty(createArray())]", true],
  ["[contains(parameters('list'), 'b')]", true],
  ["[length('four')]", 4],
  ["[coalesce(null(), 'second')]", "second"],
  ["[toUpper(first('abc'))]", "A"],
  ["[json('{\"a\": [1]}').a[0]]", 1],
  ["[[literal]", "[literal]"],
])("%s", (text, value) => {
  expect(evaluate(text, scope)).toEqual(value);
});

test("guids and unique strings depend on all that they are made from and on nothing else", () => {
  const make = (text: string) => String(evaluate(text, scope));
  const guid = make("[guid(resourceGroup().id, 'a')]");
  expect(guid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(make("[guid(resourceGroup().id, 'a')]")).toBe(guid);
  expect(make("[guid(resourceGroup().id, 'b')]")).not.toBe(guid);
  const unique = make("[uniqueString('a')]");
  expect(unique).toMatch(/^[a-z2-7]{13}$/);
  expect(make("[uniqueString('b')]")).not.toBe(unique);
});

test("loops over properties nest, each with its index", () => {
  const inner = {
    name: "inner",
    count: 2,
    input: "[format('{0}{1}', copyIndex('outer'), copyIndex(1))]",
  };
  const value = {
    copy: [{ name: "outer", count: "[parameters('size')]", input: { copy: [inner] } }],
  };
  expect(evaluate(value, scope)).toEqual({
    outer: [{ inner: ["01", "02"] }, { inner: ["11", "12"] }, { inner: ["21", "22"] }],
  });
  expect(
    evaluate("[copyIndex('resources', 10)]", withLoop(scope, { name: "Resources", index: 2 })),
  ).toBe(12);
});

test.each([
  ["[nothing()]", /'nothing' is not valid/],
  ["[parameters('list')[2]]", /out of bounds/],
  ["[resourceGroup().colour]", /'colour' doesn't exist/],
  ["[resourceId('disks', 'd')]", /fully qualified resource type/],
  ["[resourceId('Microsoft.Network/virtualNetworks/subnets', 'v')]", /requires '2' resource name/],
  ["[concat(createObject())]", /needs a string/],
  ["[add('1', 2)]", /needs an integer/],
  ["[format('{1}', 'only one')]", /format is invalid/],
  ["[format('{0:N2}', 1)]", /format is invalid/],
  ["[substring('short', 3, 9)]", /within the string/],
  ["[if('yes', 1, 2)]", /'Boolean'/],
  ["[copyIndex()]", /no loop/],
])("%s is refused", (text, message) => {
  expect(() => evaluate(text, scope)).toThrow(message);
  expect(() => evaluate(text, scope)).toThrow(TemplateError);
});
