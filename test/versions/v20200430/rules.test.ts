/** The rules of 2020-04-30 about values, each with its own place in the answer. */
import { describe, expect, test } from "vitest";
import type { ClusterDocument } from "../../../src/model/document.ts";
import { subnetFaults } from "../../../src/versions/azureIdRules.ts";
import { context, places, pullSecretText, subscription } from "../exampleCluster.ts";
import {
  clientId,
  clientSecret,
  clusterProfile,
  create,
  fullCluster,
  masterSubnet,
  patch,
  put,
  smallestBody,
  version,
  workerSubnet,
} from "./example.ts";

const invalid = (path: string): string => `InvalidParameter properties.${path}`;

test("what a create needs is missed all at once (decision 24)", () => {
  expect(places(put({ location: "eastus", properties: {} }))).toEqual(
    [
      "servicePrincipalProfile.clientId",
      "servicePrincipalProfile.clientSecret",
      "clusterProfile.domain",
      "clusterProfile.resourceGroupId",
      "masterProfile.subnetId",
      "workerProfiles[0].subnetId",
    ].map(invalid),
  );
});

describe("pull secret", () => {
  const withSecret = (pullSecret: string) =>
    create({ clusterProfile: { ...clusterProfile, pullSecret } });

  test("may be left out", () => {
    expect(put(smallestBody).faults).toEqual([]);
    expect(put(smallestBody).secrets).not.toHaveProperty("pullSecret");
  });

  test("is JSON text, which is stored without white space around it", () => {
    const { secrets, faults } = withSecret(`\n ${pullSecretText}\n`);
    expect(faults).toEqual([]);
    expect(secrets.pullSecret).toBe(pullSecretText);
  });

  test.each([
    ["empty", ""],
    ["not JSON", "secret-marker"],
    ["base64", Buffer.from(pullSecretText).toString("base64")],
    ["without registries", '{"auths":{}}'],
    ["without anything for one of two", `{"auths":{"a":{"auth":"eA=="},"secret-marker":{}}}`],
    ["without an auth that is text", '{"auths":{"secret-marker":{"auth":5}}}'],
    ["with an empty auth", '{"auths":{"secret-marker":{"auth":""}}}'],
    ["with null for a registry", '{"auths":{"secret-marker":null}}'],
    ["half a surrogate pair", '{"auths":{"secret-marker\ud800":{}}}'],
  ])("that is %s is refused without a piece of it", (_, text) => {
    const asked = withSecret(text);
    expect(places(asked)).toEqual([invalid("clusterProfile.pullSecret")]);
    expect(asked.faults[0]?.message).not.toMatch(/marker|quay|c2Vjc|auth"/);
  });

  test("that cannot be read as one is told how it is written here", () => {
    for (const text of ["secret", Buffer.from(pullSecretText).toString("base64"), "5"]) {
      expect(withSecret(text).faults.map(({ message }) => message)).toEqual([
        "'properties.clusterProfile.pullSecret' must be the JSON text itself, not base64: one object with 'auths'.",
      ]);
    }
  });
});

describe("service principal", () => {
  const path = "servicePrincipalProfile";

  test.each(["", "name", `${clientId}0`, `{${clientId}}`])("'%s' is no client id", (id) => {
    const asked = create({ [path]: { clientId: id, clientSecret } });
    expect(places(asked)).toEqual([invalid(`${path}.clientId`)]);
  });

  test("a client id in capitals is one", () => {
    const asked = create({ [path]: { clientId: clientId.toUpperCase(), clientSecret } });
    expect(asked.faults).toEqual([]);
  });

  test("no message holds its secret", () => {
    const asked = create({ [path]: { clientId: "name", clientSecret: "secret-marker" } });
    expect(JSON.stringify(asked.faults)).not.toContain("marker");
  });

  test("one that is stored isn't judged by rules that came later", () => {
    const old: ClusterDocument = {
      ...fullCluster,
      cluster: { ...fullCluster.cluster, clientId: "name" },
    };
    expect(put(version.show(old), old).faults).toEqual([]);
    expect(patch({ properties: { [path]: { clientSecret: "new" } } }, old).faults).toEqual([]);
  });
});

describe("domain", () => {
  const withDomain = (domain: string) => create({ clusterProfile: { ...clusterProfile, domain } });
  const long = `${"a.".repeat(109)}aaaa`;

  test.each([
    "demo",
    "Demo-1",
    "d",
    "x".repeat(54),
    `demo.${"x".repeat(63)}.example`,
    "demo.example.com",
    "DEMO.Example.COM",
    "demo.1.example",
    "xn--bcher-kva.example",
    long,
  ])("'%s' is one", (domain) => {
    const { faults, cluster } = withDomain(domain);
    expect(faults).toEqual([]);
    expect(cluster.domain).toBe(domain);
  });

  test.each([
    "",
    ".",
    "demo.",
    ".demo",
    "a..b",
    "-demo",
    "demo-",
    "demo-.example.com",
    "x".repeat(64),
    `${long}a`,
    "bücher",
    "a_b",
    "a b",
    "a/b",
    "a:1",
    "a@b",
    "10.0.0.1",
    "example.1",
    "demo.0x7f",
    "xn--a",
    "xn--.example",
    "https://demo.example.com",
  ])("'%s' is none", (domain) => {
    const asked = withDomain(domain);
    expect(places(asked)).toEqual([invalid("clusterProfile.domain")]);
    expect(asked.faults[0]?.message).toContain("such as 'mycluster' or 'mycluster.example.com'");
  });

  const unnameable = ["1", "1demo.example.com", "x".repeat(55), `${"x".repeat(55)}.example.com`];
  test.each(unnameable)("'%s' has no first part that a cluster can be named by", (domain) => {
    const asked = withDomain(domain);
    expect(places(asked)).toEqual([invalid("clusterProfile.domain")]);
    expect(asked.faults[0]?.message).toMatch(/first part must begin with a letter.*at most 54/);
  });

  test("and pull secret are told of at once", () => {
    const profile = { ...clusterProfile, domain: "1", pullSecret: '{"auths":{"registry":{}}}' };
    expect(places(create({ clusterProfile: profile })).toSorted()).toEqual([
      invalid("clusterProfile.domain"),
      invalid("clusterProfile.pullSecret"),
    ]);
  });

  test("and pull secret that are stored aren't judged by rules that came later", () => {
    const pullSecret = '{"auths":{"registry":{}}}';
    const old: ClusterDocument = {
      ...fullCluster,
      cluster: { ...fullCluster.cluster, domain: "1" },
      secrets: { ...fullCluster.secrets, pullSecret },
    };
    expect(put(version.show(old), old).faults).toEqual([]);
    expect(patch({ properties: { clusterProfile: { pullSecret } } }, old).faults).toEqual([]);
  });
});

describe("version", () => {
  const withVersion = (text: string) =>
    create({ clusterProfile: { ...clusterProfile, version: text } });

  test.each(["4.3.27", "0.0.0", "10.20.30"])("'%s' is one", (text) => {
    expect(withVersion(text).faults).toEqual([]);
    expect(withVersion(text).cluster.openshiftVersion).toBe(text);
  });

  test.each(["", "4", "4.3", "4.3.27.1", "v4.3.27", "4.3.x", "04.3.27", "4.3.27-rc.1", " 4.3.27"])(
    "'%s' is none",
    (text) => {
      expect(places(withVersion(text))).toEqual([invalid("clusterProfile.version")]);
    },
  );
});

describe("resource group", () => {
  const withGroup = (resourceGroupId: string) =>
    create({ clusterProfile: { ...clusterProfile, resourceGroupId } });
  const own = context.identity.id.split("/providers/")[0] ?? "";

  test.each([
    `${subscription}/resourceGroups/machines`,
    `${subscription}/resourcegroups/MACHINES`,
    `${subscription.toUpperCase()}/RESOURCEGROUPS/Grp-ü_(2)`,
    `${own}1`,
  ])("'%s' is one", (id) => {
    expect(withGroup(id).faults).toEqual([]);
  });

  test.each([
    ["", "is not the id of a resource group"],
    ["machines", "is not the id of a resource group"],
    [`${subscription}/resourceGroups/`, "is not the id of a resource group"],
    [`${subscription}/resourceGroups/machines/`, "is not the id of a resource group"],
    [`${subscription}/resourceGroups/a.`, "is not the id of a resource group"],
    [`${subscription}/resourceGroups/${"x".repeat(91)}`, "is not the id of a resource group"],
    ["/subscriptions/mine/resourceGroups/machines", "is not the id of a resource group"],
    [masterSubnet, "is not the id of a resource group"],
    [
      "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/machines",
      "must be in the subscription",
    ],
    [own, "must be another one"],
    [own.toUpperCase(), "must be another one"],
  ])("'%s' %s", (id, reason) => {
    const asked = withGroup(id);
    expect(places(asked)).toEqual([invalid("clusterProfile.resourceGroupId")]);
    expect(asked.faults[0]?.message).toContain(reason);
  });
});

describe("subnets", () => {
  const withSubnets = (master: string, worker: string) =>
    create({
      masterProfile: { subnetId: master },
      workerProfiles: [{ name: "worker", subnetId: worker }],
    });
  const masterPath = invalid("masterProfile.subnetId");
  const workerPath = invalid("workerProfiles[0].subnetId");

  test("two of one virtual network are accepted, however they are written", () => {
    expect(withSubnets(masterSubnet, workerSubnet.toUpperCase()).faults).toEqual([]);
  });

  test.each([
    "",
    "Master",
    `${masterSubnet}/`,
    `${masterSubnet}/ipConfigurations/x`,
    masterSubnet.replace("/subnets/Master", ""),
    masterSubnet.replace("Microsoft.Network", "Microsoft.Compute"),
    masterSubnet.replace("Vnet", "-"),
    masterSubnet.replace("Master", "ends-with-"),
    masterSubnet.slice(1),
  ])("'%s' is none", (id) => {
    expect(places(withSubnets(id, workerSubnet))).toEqual([masterPath]);
    expect(places(withSubnets(masterSubnet, id))).toEqual([workerPath]);
    expect(places(withSubnets(id, id))).toEqual([masterPath, workerPath]);
  });

  test("one for both is refused", () => {
    const asked = withSubnets(masterSubnet, masterSubnet.toUpperCase());
    expect(places(asked)).toEqual([workerPath]);
    expect(asked.faults[0]?.message).toContain("another subnet");
  });

  test.each([
    ["network", masterSubnet.replace("Vnet", "Other")],
    ["group", masterSubnet.replace("/net/", "/other/")],
    ["subscription", masterSubnet.replace("225e02bc", "225e02bd")],
  ])("one in another %s is refused; which of two is wrong, nobody can say", (_, id) => {
    for (const asked of [withSubnets(id, workerSubnet), withSubnets(workerSubnet, id)]) {
      expect(places(asked)).toEqual([masterPath, workerPath]);
      for (const { message } of asked.faults) {
        expect(message).toContain("'properties.masterProfile.subnetId'");
        expect(message).toContain("'properties.workerProfiles[0].subnetId'");
        expect(message).toContain("same virtual network");
      }
    }
  });

  test("of several, the one that is elsewhere is at fault", () => {
    const elsewhere = masterSubnet.replace("Vnet", "Other");
    const [fault, ...others] = subnetFaults([
      { path: "master", id: elsewhere },
      { path: "one", id: masterSubnet },
      { path: "two", id: workerSubnet },
    ]);
    expect(others).toEqual([]);
    expect(fault).toEqual({
      code: "InvalidParameter",
      target: "master",
      message:
        `'master' is in '${elsewhere.replace("/subnets/Master", "")}', 'one' is in ` +
        `'${masterSubnet.replace("/subnets/Master", "")}'; all subnets of a cluster must be in ` +
        "the same virtual network.",
    });
  });

  test("the message has all of an id, its end above all", () => {
    const group = `${subscription}/resourceGroups/${"g".repeat(90)}`;
    const id = `${group}/providers/Microsoft.Network/virtualNetwork/my-network/subnets/my-subnet`;
    expect(withSubnets(id, workerSubnet).faults[0]?.message).toContain(`'${id}'`);
    const long = `${group}${"/providers/Microsoft.Network".repeat(20)}/subnets/my-subnet`;
    expect(withSubnets(long, workerSubnet).faults[0]?.message).toMatch(
      /^'\/subscriptions\/225e02bc.*….*\/subnets\/my-subnet'/,
    );
  });
});

describe("address ranges", () => {
  test("are large enough and don't overlap", () => {
    expect(
      create({ networkProfile: { podCidr: "10.0.0.0/18", serviceCidr: "10.0.64.0/22" } }).faults,
    ).toEqual([]);
    expect(
      places(create({ networkProfile: { podCidr: "10.0.0.0/19", serviceCidr: "10.8.0.0/23" } })),
    ).toEqual([invalid("networkProfile.podCidr"), invalid("networkProfile.serviceCidr")]);
    expect(
      places(create({ networkProfile: { podCidr: "10.0.0.0/14", serviceCidr: "10.2.0.0/16" } })),
    ).toEqual([invalid("networkProfile.serviceCidr")]);
  });
});

describe("profiles", () => {
  test("visibilities that nobody knows are refused with those that are", () => {
    const asked = create({
      apiserverProfile: { visibility: "public" },
      ingressProfiles: [{ name: "default", visibility: "Internal" }],
    });
    expect(places(asked)).toEqual([
      invalid("apiserverProfile.visibility"),
      invalid("ingressProfiles[0].visibility"),
    ]);
    expect(asked.faults[0]?.message).toContain("Private, Public");
  });

  test("there is exactly one ingress profile, called default", () => {
    const path = invalid("ingressProfiles");
    const ingresses = (...ingressProfiles: object[]) => places(create({ ingressProfiles }));
    expect(ingresses()).toEqual([path]);
    expect(ingresses({ name: "default" }, { name: "other" })).toEqual([path]);
    expect(ingresses({ name: "other" })).toEqual([`${path}[0].name`]);
    expect(ingresses({})).toEqual([`${path}[0].name`]);
  });

  test("there is exactly one worker profile, called worker", () => {
    const path = invalid("workerProfiles");
    const workers = (...names: string[]) =>
      places(create({ workerProfiles: names.map((name) => ({ name, subnetId: workerSubnet })) }));
    expect(workers()).toEqual([path]);
    expect(workers("infra")).toEqual([`${path}[0].name`]);
    expect(workers("worker", "infra")).toContain(path);
  });

  test("sizes that can't be used are refused", () => {
    expect(
      places(
        create({
          masterProfile: { subnetId: masterSubnet, vmSize: "Standard_D4s_v3" },
          workerProfiles: [{ name: "worker", subnetId: workerSubnet, vmSize: "Standard_L8s" }],
        }),
      ),
    ).toEqual([invalid("masterProfile.vmSize"), invalid("workerProfiles[0].vmSize")]);
  });

  test("a refused size is told those that are allowed, as such", () => {
    const { faults } = create({
      masterProfile: { subnetId: masterSubnet, vmSize: "Standard_Foo" },
    });
    expect(faults[0]?.message).toBe(
      "'Standard_Foo' is not a size that can be used here; allowed: Standard_D8s_v3.",
    );
  });
});

test("location must be the region served, and tags be legal", () => {
  expect(places(create({}, { location: "westus", tags: { "a/b": "" } }))).toEqual([
    "InvalidParameter tags['a/b']",
    "InvalidParameter location",
  ]);
});

test("stored values aren't judged by rules that came later", () => {
  const old: ClusterDocument = {
    ...fullCluster,
    cluster: {
      ...fullCluster.cluster,
      domain: "a_b",
      openshiftVersion: "latest",
      resourceGroupId: "machines",
      controlPlane: { vmSize: "Standard_Old", subnetId: "subnet" },
      network: { podCidr: "nonsense", serviceCidr: "nonsense" },
      workers: [
        { name: "infra", vmSize: "Standard_Old", diskSizeGB: 64, count: 3, subnetId: "subnet" },
        { name: "worker", vmSize: "Standard_Old", diskSizeGB: 64, count: 3 },
      ],
      ingresses: [],
    },
  };
  expect(put(version.show(old), old).faults).toEqual([]);
  expect(patch({ tags: { a: "b" } }, old).faults).toEqual([]);
});

test("a create without properties has one fault, not one for each of them", () => {
  expect(places(put({ location: "eastus" }))).toEqual(["InvalidParameter properties"]);
  expect(places(put({ location: "westus" }))).toEqual([
    "InvalidParameter location",
    "InvalidParameter properties",
  ]);
});

test("a wrong type hides no fault of another member (ARM-41)", () => {
  const asked = create({
    clusterProfile: { ...clusterProfile, pullSecret: {}, domain: "a_b" },
    networkProfile: { podCidr: 10, serviceCidr: "nonsense" },
    masterProfile: { subnetId: [] },
    workerProfiles: [null],
  });
  expect(places(asked)).toEqual([
    "InvalidRequestContent properties.clusterProfile.pullSecret",
    "InvalidRequestContent properties.networkProfile.podCidr",
    "InvalidRequestContent properties.masterProfile.subnetId",
    "InvalidRequestContent properties.workerProfiles[0]",
    invalid("clusterProfile.domain"),
    invalid("networkProfile.serviceCidr"),
  ]);
});

test("a wrong type has its path (ARM-40)", () => {
  const asked = put({
    location: "eastus",
    properties: {
      clusterProfile: { ...clusterProfile, pullSecret: {}, domain: 5 },
      servicePrincipalProfile: [],
      masterProfile: { subnetId: null },
      workerProfiles: [{ name: "worker", subnetId: 1, count: "3" }],
      apiserverProfile: { visibility: {} },
      ingressProfiles: [null, { name: "default", visibility: 1 }],
    },
  });
  expect(places(asked)).toEqual(
    [
      "servicePrincipalProfile",
      "clusterProfile.pullSecret",
      "clusterProfile.domain",
      "masterProfile.subnetId",
      "workerProfiles[0].subnetId",
      "workerProfiles[0].count",
      "apiserverProfile.visibility",
      "ingressProfiles[0]",
      "ingressProfiles[1].visibility",
    ].map((path) => `InvalidRequestContent properties.${path}`),
  );
});
