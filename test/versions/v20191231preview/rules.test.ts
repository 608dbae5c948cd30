/** The rules about values, each with its own place in the answer; many of them are faults of the seed. */
import { describe, expect, test } from "vitest";
import type { Cluster } from "../../../src/model/cluster.ts";
import type { ClusterDocument } from "../../../src/model/document.ts";
import { context, places, pullSecretText, storedCluster } from "../exampleCluster.ts";
import { patch, pullSecret, put, smallestBody, version } from "./example.ts";

function create(properties: object, more: object = {}) {
  return put({ ...smallestBody, ...more, properties: { pullSecret, ...properties } });
}

function withCluster(cluster: Partial<Cluster>): ClusterDocument {
  return { ...storedCluster, cluster: { ...storedCluster.cluster, ...cluster } };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

describe("location", () => {
  test("must be the region served, however it is spelled (ARM-36)", () => {
    expect(put({ ...smallestBody, location: "EAST  us" }).faults).toEqual([]);
    const elsewhere = put({ ...smallestBody, location: "westus" });
    expect(places(elsewhere)).toEqual(["InvalidParameter location"]);
    expect(elsewhere.faults[0]?.message).toContain("'eastus'");
  });

  test("isn't judged again when the service has moved", () => {
    const moved = { ...context, location: "westus" };
    expect(version.readPut(version.show(storedCluster), storedCluster, moved).faults).toEqual([]);
  });
});

describe("pull secret", () => {
  const path = "InvalidParameter properties.pullSecret";

  test("is needed at creation", () => {
    expect(places(put({ location: "eastus", properties: {} }))).toEqual([path]);
  });

  test("seed C16: must have registries, found before anything is made", () => {
    const registries = ["{}", "[]", "null", '"x"', '{"r":{}}', '{"r":{"auth":""}}'];
    for (const text of ["{}", ...registries.map((each) => `{"auths":${each}}`)]) {
      expect(places(create({ pullSecret: base64(text) }))).toEqual([path]);
    }
  });

  test.each([
    ["empty", ""],
    ["not base64", "c2VjcmV0*"],
    ["base64 without its padding", "e30"],
    ["not UTF-8", Buffer.from([0xff, 0xfe]).toString("base64")],
    ["not JSON", base64("secret-marker")],
    ["an array", base64('["secret-marker"]')],
    ["null", base64("null")],
    ["cut off", base64(pullSecretText.slice(0, -3))],
    ["JSON text that isn't encoded", pullSecretText],
  ])("that is %s is refused without a piece of it", (_, text) => {
    const asked = create({ pullSecret: text });
    expect(places(asked)).toEqual([path]);
    expect(asked.faults[0]?.message).not.toMatch(/marker|quay|c2Vjc|auth"/);
  });

  test("that cannot be read as one is told how it is written here", () => {
    for (const text of ["c2VjcmV0*", pullSecretText, base64("secret"), base64("[]")]) {
      expect(create({ pullSecret: text }).faults.map(({ message }) => message)).toEqual([
        "'properties.pullSecret' must be the base64 encoding of the JSON text: one object with 'auths'.",
      ]);
    }
  });

  test("may have white space around it and line breaks in it; stored is its JSON text", () => {
    const wrapped = base64(` ${pullSecretText}\n`).replaceAll(/.{20}/g, "$&\n");
    const { secrets, faults } = create({ pullSecret: `  ${wrapped}\n` });
    expect(faults).toEqual([]);
    expect(secrets.pullSecret).toBe(pullSecretText);
  });

  test("that is stored already isn't judged by rules that came later", () => {
    const old: ClusterDocument = {
      ...storedCluster,
      secrets: { ...storedCluster.secrets, pullSecret: "{}" },
    };
    expect(patch({ tags: null }, old).faults).toEqual([]);
    expect(patch({ properties: { pullSecret: base64("{}") } }, old).faults).toEqual([]);
  });
});

describe("address ranges", () => {
  const network = "properties.networkProfile";

  test.each([
    ["vnetCidr", "10.0.0.0/25", "virtual network", "/24"],
    ["podCidr", "10.128.0.0/19", "pod", "/18"],
    ["serviceCidr", "172.30.0.0/23", "service", "/22"],
  ])(
    "seed 19: a %s that is too small is called by its own name",
    (member, cidr, purpose, least) => {
      const asked = create({ networkProfile: { [member]: cidr } });
      expect(places(asked)).toEqual([`InvalidParameter ${network}.${member}`]);
      expect(asked.faults[0]?.message).toBe(
        `The ${purpose} range '${cidr}' is too small: it must be ${least} or larger.`,
      );
    },
  );

  test("the smallest and the largest are accepted", () => {
    const smallest = {
      vnetCidr: "10.0.0.0/24",
      podCidr: "10.128.0.0/18",
      serviceCidr: "172.30.0.0/22",
    };
    expect(create({ networkProfile: smallest }).faults).toEqual([]);
    const largest = { vnetCidr: "10.0.0.0/8", podCidr: "11.0.0.0/8", serviceCidr: "12.0.0.0/8" };
    expect(create({ networkProfile: largest }).faults).toEqual([]);
  });

  test("one that no private network can have is refused", () => {
    expect(places(create({ networkProfile: { serviceCidr: "128.0.0.0/1" } }))).toEqual([
      `InvalidParameter ${network}.serviceCidr`,
    ]);
    expect(create({ networkProfile: { vnetCidr: "0.0.0.0/0" } }).faults.length).toBeGreaterThan(0);
  });

  test("seed 19: host bits are refused, and the message has the range that was meant", () => {
    const asked = create({ networkProfile: { vnetCidr: "10.0.0.1/16" } });
    expect(places(asked)).toEqual([`InvalidParameter ${network}.vnetCidr`]);
    expect(asked.faults[0]?.message).toContain("10.0.0.0/16");
  });

  test("seed 19: an overlap has a target, and the message names both ranges", () => {
    const asked = create({
      networkProfile: { podCidr: "10.0.0.0/14", serviceCidr: "10.2.0.0/16" },
    });
    expect(places(asked)).toEqual([
      `InvalidParameter ${network}.podCidr`,
      `InvalidParameter ${network}.serviceCidr`,
    ]);
    expect(asked.faults[0]?.message).toContain("overlaps the virtual network range '10.0.0.0/16'");
    expect(asked.faults[1]?.message).toContain("overlaps the pod range '10.0.0.0/14'");
  });

  test.each([
    "",
    "10.0.0.0",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/016",
    "10.0.0/16",
    "010.0.0.0/16",
    "0x0a.0.0.0/16",
    "167772160/16",
    "256.0.0.0/16",
    "10.0.0.0/16/16",
    " 10.0.0.0/16",
    "10.0.0.0/16 ",
    "10.0.0.0/1e1",
    "fd00::/16",
    "::ffff:10.0.0.0/112",
    "localhost/16",
  ])("seed C5: '%s' is no range", (cidr) => {
    const asked = create({ networkProfile: { vnetCidr: cidr } });
    expect(places(asked)).toEqual([`InvalidParameter ${network}.vnetCidr`]);
    expect(asked.faults[0]?.message).toContain("virtual network");
  });

  test("stored ones aren't judged by rules that came later", () => {
    const old = withCluster({
      network: { vnetCidr: "10.0.0.0/30", podCidr: "10.0.0.0/30", serviceCidr: "nonsense" },
    });
    expect(put(version.show(old), old).faults).toEqual([]);
    expect(patch({ tags: { a: "b" } }, old).faults).toEqual([]);
  });
});

describe("machines", () => {
  test("sizes that can't be used are refused with those that can", () => {
    const asked = create({
      masterProfile: { vmSize: "Standard_D4s_v3" },
      workerProfiles: [{ name: "worker", vmSize: "standard_d2s_v3" }],
    });
    expect(places(asked)).toEqual([
      "InvalidParameter properties.masterProfile.vmSize",
      "InvalidParameter properties.workerProfiles[0].vmSize",
    ]);
    expect(asked.faults[1]?.message).toContain("Standard_D2s_v3, Standard_D4s_v3, Standard_D8s_v3");
  });

  test("there is exactly one worker profile, called worker", () => {
    const path = "InvalidParameter properties.workerProfiles";
    expect(places(create({ workerProfiles: [] }))).toEqual([path]);
    expect(places(create({ workerProfiles: [{ name: "worker" }, { name: "infra" }] }))).toEqual([
      path,
    ]);
    expect(places(create({ workerProfiles: [{ name: "infra" }] }))).toEqual([`${path}[0].name`]);
    expect(places(create({ workerProfiles: [{}] }))).toEqual([`${path}[0].name`]);
    expect(places(create({ workerProfiles: [{ name: "worker" }, { name: "worker" }] }))).toContain(
      `${path}[1].name`,
    );
  });

  test("stored ones aren't judged by rules that came later", () => {
    const old = withCluster({
      controlPlane: { vmSize: "Standard_Old" },
      workers: [
        { name: "infra", vmSize: "Standard_Old", diskSizeGB: 64, count: 3 },
        { name: "worker", vmSize: "Standard_Old", diskSizeGB: 64, count: 3 },
      ],
    });
    expect(put(version.show(old), old).faults).toEqual([]);
    const scale = [{ name: "worker", count: 5 }, { name: "infra" }];
    const asked = patch({ properties: { workerProfiles: scale } }, old);
    expect(asked.faults).toEqual([]);
    expect(asked.cluster.workers.map(({ name, count }) => [name, count])).toEqual([
      ["worker", 5],
      ["infra", 3],
    ]);
  });
});

describe("tags (ARM-106)", () => {
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`tag${index}`, ""]));

  test("up to 50, with names of 512 and values of 256 characters", () => {
    expect(create({}, { tags: many(50) }).faults).toEqual([]);
    expect(create({}, { tags: { ["n".repeat(512)]: "v".repeat(256) } }).faults).toEqual([]);
    expect(places(create({}, { tags: many(51) }))).toEqual(["InvalidParameter tags"]);
    expect(places(create({}, { tags: { a: "v".repeat(257) } }))).toEqual([
      "InvalidParameter tags.a",
    ]);
    expect(create({}, { tags: { ["n".repeat(513)]: "" } }).faults).toHaveLength(1);
  });

  test.each(["<", ">", "%", "&", "\\", "?", "/", "\u0000", "\u0085"])(
    "no %j in a name",
    (character) => {
      const asked = create({}, { tags: { [`a${character}b`]: "" } });
      expect(asked.faults).toHaveLength(1);
      expect(asked.faults[0]?.code).toBe("InvalidParameter");
      expect(asked.faults[0]?.message).not.toMatch(/\p{Cc}/u);
    },
  );

  test("names that differ in case alone are one name given twice", () => {
    expect(places(create({}, { tags: { Env: "a", team: "b", env: "c", ENV: "d" } }))).toEqual([
      "InvalidParameter tags.env",
      "InvalidParameter tags.ENV",
    ]);
    expect(create({}, { tags: { env: "a", environment: "a" } }).faults).toEqual([]);
  });

  test.each([5, null, true, {}, ["a"]])("a value of %j is none", (value) => {
    expect(places(create({}, { tags: { a: value } }))).toEqual(["InvalidRequestContent tags.a"]);
    expect(places(patch({ tags: { a: value } }))).toEqual(["InvalidRequestContent tags.a"]);
  });

  test("stored ones aren't judged by rules that came later", () => {
    const old = withCluster({ tags: { ...many(60), "a/b": "" } });
    expect(put(version.show(old), old).faults).toEqual([]);
    expect(
      patch({ properties: { workerProfiles: [{ name: "worker", count: 5 }] } }, old).faults,
    ).toEqual([]);
    expect(patch({ tags: { one: "" } }, old).faults).toEqual([]);
  });
});

test("all faults come at once, the first one first (ARM-41)", () => {
  const asked = put({
    location: "westus",
    name: "other",
    tags: { "a/b": "" },
    properties: {
      networkProfile: { vnetCidr: "x", podCidr: "10.0.0.1/14" },
      masterProfile: { vmSize: "x" },
      workerProfiles: [{ name: "infra", vmSize: "x" }],
    },
  });
  expect(places(asked)).toEqual([
    "MismatchingResourceName name",
    "InvalidParameter tags['a/b']",
    "InvalidParameter properties.pullSecret",
    "InvalidParameter location",
    "InvalidParameter properties.networkProfile.vnetCidr",
    "InvalidParameter properties.networkProfile.podCidr",
    "InvalidParameter properties.masterProfile.vmSize",
    "InvalidParameter properties.workerProfiles[0].vmSize",
    "InvalidParameter properties.workerProfiles[0].name",
  ]);
});

test("a wrong type has its path (ARM-40)", () => {
  const asked = put({
    location: 5,
    tags: [],
    properties: {
      pullSecret: {},
      networkProfile: null,
      masterProfile: { vmSize: ["x"] },
      workerProfiles: [null, { name: 1, count: "3", diskSizeGB: 128.5 }],
    },
  });
  expect(asked.faults.map(({ code, target }) => [code, target])).toEqual(
    [
      "properties.networkProfile",
      "location",
      "tags",
      "properties.pullSecret",
      "properties.masterProfile.vmSize",
      "properties.workerProfiles[0]",
      "properties.workerProfiles[1].name",
      "properties.workerProfiles[1].diskSizeGB",
      "properties.workerProfiles[1].count",
    ].map((path) => ["InvalidRequestContent", path]),
  );
});
