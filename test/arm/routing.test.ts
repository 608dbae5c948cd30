/** Sections A and B of the contract of ARM: routes, names, case, api-version. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiVersions } from "../../src/versions/registry.ts";
import { clusterPath, StartedRp, subscriptionId, type RpResponse } from "../frontend/startedRp.ts";
import { ArmCaller, faults, isAsync, operationId, statusLink } from "./armCaller.ts";
import { HeldInstaller } from "./heldInstaller.ts";
import { servedVersions, versionPairs } from "./servedVersions.ts";

const { installer } = new HeldInstaller();
let rp: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start({ workers: true, installer });
});
afterAll(async () => rp[Symbol.asyncDispose]());

const provider = `/subscriptions/${subscriptionId}/providers/RedHat.OpenShift`;

describe.each(servedVersions)("$name", (version) => {
  let caller: ArmCaller;
  beforeAll(() => {
    caller = new ArmCaller(rp, version);
  });

  test("ARM-01: every operation of a tracked resource is there", async () => {
    const missing = await caller.get("all");
    expect([missing.status, missing.body.error.code]).toEqual([404, "ResourceNotFound"]);
    await caller.created("all");
    const statuses = [
      await caller.get("all"),
      await caller.put("all", version.smallest),
      await caller.patch("all", {}),
      await caller.list(),
      await caller.send("GET", `${provider}/OpenShiftClusters`),
      await caller.send("GET", "/providers/RedHat.OpenShift/operations"),
      await rp.send("PUT", `/subscriptions/${subscriptionId}?api-version=2.0`, {
        body: { state: "Registered" },
      }),
      await caller.delete("all"),
    ].map(({ status }) => status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 200, 202]);
  });

  test("ARM-02, ARM-04: names match in any case, and come back as at creation in every answer", async () => {
    const upper = "ABCDEF00-0000-4000-8000-000000000007";
    const body = inSubscription(version.smallest, upper);
    const path = (group: string, name: string, subscription = upper) =>
      caller.at(clusterPath(name, { group, subscription }));
    const created = await rp.send("PUT", path("rG1", "Foo"), { body });
    expect(created.status).toBe(201);
    expect((await caller.ended(created)).body.status).toBe("Succeeded");
    const other = path("RG1", "FOO", upper.toLowerCase());
    const put = await rp.send("PUT", other, { body });
    const patched = await rp.send("PATCH", other, { body: { tags: { a: "1" } } });
    const list = await rp.send("GET", other.replace("/FOO?", "?"));
    const ofSubscription = await caller.send(
      "GET",
      `/subscriptions/${upper.toLowerCase()}/providers/RedHat.OpenShift/OpenShiftClusters`,
    );
    const result = await caller.result(created);
    expect([put, patched, list, ofSubscription, result].map(({ status }) => status)).toEqual([
      200, 200, 200, 200, 200,
    ]);
    const mine = ({ id }: RpResponse["body"]): boolean => id.toLowerCase().includes("/rg1/");
    const shown = [created.body, put.body, patched.body, result.body, ...list.body.value];
    shown.push(...ofSubscription.body.value.filter(mine));
    expect(shown).toHaveLength(6);
    for (const { id, name } of shown) {
      expect(id).toBe(clusterPath("Foo", { group: "rG1", subscription: upper }));
      expect(name).toBe("Foo");
    }
    // for the next version
    await caller.ended(await rp.send("DELETE", other));
  });

  test("ARM-03: so do the fixed parts of a path, those of operations and actions too", async () => {
    const created = await caller.put("fixed", version.smallest);
    const before = await caller.ended(created);
    const cased = (change: (path: string) => string, link: string): string => {
      const [path = "", query = ""] = link.split("?");
      return `${change(path)}?${query}`;
    };
    for (const change of [
      (path: string) => path.toLowerCase(),
      (path: string) => path.toUpperCase(),
    ]) {
      const status = await rp.send("GET", cased(change, statusLink(created)));
      expect({ ...status.body, id: "" }).toEqual({ ...before.body, id: "" });
      const results = statusLink(created).replace("operationStatuses", "operationResults");
      expect((await rp.send("GET", cased(change, results))).status).toBe(200);
      const action = await rp.send(
        "POST",
        cased(change, caller.cluster("fixed", "/listCredentials")),
      );
      expect(action.status).toBe(200);
      const shown = await rp.send("GET", cased(change, caller.cluster("fixed")));
      expect(shown.body).toEqual((await caller.get("fixed")).body);
      const list = await rp.send("GET", cased(change, caller.at(`${provider}/OpenShiftClusters`)));
      expect(list.body.value).toContainEqual(shown.body);
      const operations = caller.at("/providers/RedHat.OpenShift/operations");
      expect((await rp.send("GET", cased(change, operations))).status).toBe(200);
    }
  });

  test("ARM-05: id is a path without escapes, name its end, type the type", async () => {
    const path = caller.at(clusterPath("c1", { group: "G(1)" }).replace("G(1)", "G%281%29"));
    const { body } = await rp.send("PUT", path, { body: version.smallest });
    expect(body).toMatchObject({
      id: `/subscriptions/${subscriptionId}/resourceGroups/G(1)/providers/RedHat.OpenShift/OpenShiftClusters/c1`,
      name: "c1",
      type: "RedHat.OpenShift/OpenShiftClusters",
    });
    await caller.ended(await rp.send("DELETE", path));
  });

  test("ARM-06: id, name and type of a body must be the URL's, in any case", async () => {
    const id = clusterPath("named", { group: caller.group });
    const type = "RedHat.OpenShift/OpenShiftClusters";
    for (const [member, value, code] of [
      ["id", id.replace("/named", "/other"), "MismatchingResourceID"],
      ["name", "other", "MismatchingResourceName"],
      ["type", "RedHat.OpenShift/others", "MismatchingResourceType"],
    ] as const) {
      const answer = await caller.put("named", { ...version.smallest, [member]: value });
      expect(answer.status).toBe(400);
      expect(faults(answer)).toEqual([`${code} ${member}`]);
    }
    for (const name of ["named", "other"]) expect((await caller.get(name)).status).toBe(404);
    const same = { id: id.toUpperCase(), name: "NAMED", type: type.toLowerCase() };
    expect((await caller.put("named", { ...version.smallest, ...same })).status).toBe(201);
  });

  test("ARM-07: every legal name of a resource group is accepted, and no other", async () => {
    for (const group of ["Grp-ü_(1).x", "字".repeat(90), ".a", "(", "a..b", "-"]) {
      const answer = await rp.send("GET", caller.at(clusterPath("none", { group })));
      expect([group, answer.body.error.code]).toEqual([group, "ResourceNotFound"]);
    }
    for (const group of ["a".repeat(91), "a.", "a b", "a+b", "a|b", "a/b", "a\u0000"]) {
      const answer = await rp.send("GET", caller.at(clusterPath("none", { group })));
      expect(answer.status).toBe(400);
      expect(answer.body.error.code).toBe("InvalidResourceGroupName");
    }
  });

  test("ARM-08: a cluster's name is a DNS label of at most 54 characters", async () => {
    for (const name of ["a", "1", "A-b", "a".repeat(54)]) {
      expect((await caller.get(name)).body.error.code).toBe("ResourceNotFound");
    }
    for (const name of [
      ..."<>%&:\\?/ _.ü\u0001".split("").map((letter) => `a${letter}b`),
      "-a",
      "a-",
      "a".repeat(55),
      "a".repeat(261),
    ]) {
      const path = caller.cluster(encodeURIComponent(name));
      for (const method of ["GET", "PUT"]) {
        const answer = await rp.send(
          method,
          path,
          method === "PUT" ? { body: version.smallest } : {},
        );
        expect([name, answer.status]).toEqual([name, 400]);
        expect(answer.body.error.code).toBe("InvalidResourceName");
      }
    }
  });

  test("ARM-09: a malformed path is 400 with what is wrong with it", async () => {
    const good = caller.cluster("x");
    for (const [path, code] of [
      [good.replace(subscriptionId, "abc"), "InvalidSubscriptionID"],
      [good.replace("RedHat.OpenShift", "Other.Provider"), "InvalidResourceNamespace"],
      [good.replace("OpenShiftClusters", "others"), "InvalidResourceType"],
      [
        caller.at("/subscriptions/abc/providers/RedHat.OpenShift/OpenShiftClusters"),
        "InvalidSubscriptionID",
      ],
      [caller.at(`${provider}s/OpenShiftClusters`), "InvalidResourceNamespace"],
      [caller.at("/providers/Other.Provider/operations"), "InvalidResourceNamespace"],
    ] as const) {
      const answer = await rp.send("GET", path);
      expect([path, answer.status, answer.body.error.code]).toEqual([path, 400, code]);
    }
  });

  test("ARM-10: an unknown route and a wrong verb get ARM errors", async () => {
    for (const [method, path, status, code] of [
      ["GET", caller.at("/nothing"), 404, "NotFound"],
      ["GET", caller.cluster("x", "/nothing"), 404, "NotFound"],
      ["GET", caller.at(`${provider}/locations/eastus`), 404, "NotFound"],
      ["POST", caller.cluster("x"), 405, "MethodNotAllowed"],
      ["PUT", caller.at(`${provider}/OpenShiftClusters`), 405, "MethodNotAllowed"],
      ["DELETE", caller.cluster("x", "/listCredentials"), 405, "MethodNotAllowed"],
      ["POST", caller.at("/providers/RedHat.OpenShift/operations"), 405, "MethodNotAllowed"],
    ] as const) {
      const answer = await rp.send(method, path);
      expect([method, path, answer.status]).toEqual([method, path, status]);
      expect(answer.body).toEqual({ error: { code, message: expect.any(String) } });
    }
  });

  test("ARM-11: queries that nobody knows are tolerated, those of ARM's signature on polling links too", async () => {
    const created = await caller.put("queried", version.smallest, {});
    const signature = `t=638&c=${"c".repeat(4096)}&s=${"s".repeat(300)}&h=h`;
    const result = statusLink(created).replace("operationStatuses", "operationResults");
    await caller.ended(created);
    for (const path of [
      caller.cluster("queried"),
      statusLink(created),
      result,
      caller.at(`${provider}/OpenShiftClusters`),
      caller.at("/providers/RedHat.OpenShift/operations"),
    ]) {
      const answer = await rp.send("GET", `${path}&foo=1&$filter=x eq 'y'&${signature}`);
      expect(answer.status).toBe(200);
    }
    const patched = await rp.send("PATCH", `${caller.cluster("queried")}&foo=1`, { body: {} });
    expect(patched.status).toBe(200);
  });

  test("ARM-12: a slash at the end leads to the same or to nothing, never to a redirect", async () => {
    await caller.created("slashed");
    for (const path of [
      caller.cluster("slashed"),
      caller.cluster("", "").replace("/?", "?"),
      caller.at(`${provider}/OpenShiftClusters`),
      caller.at("/providers/RedHat.OpenShift/operations"),
    ]) {
      const slashed = await rp.send("GET", path.replace("?", "/?"));
      expect(slashed.status).toBe(200);
      expect(slashed.body).toEqual((await rp.send("GET", path)).body);
    }
  });

  test("ARM-15: 2.0 is no api-version of clusters, and this one none of subscriptions", async () => {
    for (const method of ["GET", "PUT", "PATCH", "DELETE"]) {
      const body = method === "PUT" || method === "PATCH" ? { body: version.smallest } : {};
      const path = clusterPath("x", { group: caller.group });
      expect((await rp.send(method, `${path}?api-version=2.0`, body)).status).toBe(400);
    }
    const announced = await caller.send("PUT", `/subscriptions/${subscriptionId}`, {
      body: { state: "Registered" },
    });
    expect(announced.status).toBe(400);
    expect(announced.body.error.code).toBe("InvalidApiVersionParameter");
  });
});

describe("api-version", () => {
  const missing = "00000000-0000-4000-8000-0000000000ff";
  const routes: readonly (readonly [method: string, path: string])[] = [
    ["GET", clusterPath("x")],
    ["PUT", clusterPath("x")],
    ["PATCH", clusterPath("x")],
    ["DELETE", clusterPath("x")],
    ["POST", clusterPath("x/listCredentials")],
    ["GET", clusterPath("").slice(0, -1)],
    ["GET", `${provider}/OpenShiftClusters`],
    ["GET", `${provider}/locations/eastus/operationStatuses/${missing}`],
    ["GET", `${provider}/locations/eastus/operationResults/${missing}`],
    ["GET", "/providers/RedHat.OpenShift/operations"],
    ["PUT", `/subscriptions/${subscriptionId}`],
    [
      "POST",
      `/subscriptions/${subscriptionId}/resourceGroups/g/providers/RedHat.OpenShift/deployments/d/preflight`,
    ],
  ];

  test.each(routes)("ARM-13: %s %s needs one", async (method, path) => {
    for (const query of ["", "?", "?api-version=", "?api-version=%20", "?$top=1"]) {
      const body = method === "GET" || method === "DELETE" ? {} : { body: {} };
      const answer = await rp.send(method, `${path}${query}`, body);
      expect(answer.status).toBe(400);
      expect(answer.body.error.code).toBe("MissingApiVersionParameter");
    }
  });

  test.each(routes.slice(0, -1))(
    "ARM-14: %s %s refuses one that is not served",
    async (method, path) => {
      for (const version of ["2099-01-01", "2019-12-31", "2019-12-31-alpha", "x", "1"]) {
        const body = method === "GET" || method === "DELETE" ? {} : { body: {} };
        const answer = await rp.send(method, `${path}?api-version=${version}`, body);
        expect(answer.status).toBe(400);
        expect(answer.body.error).toMatchObject({ code: "InvalidApiVersionParameter" });
        expect(answer.body.error.message).toContain(`'${version}'`);
        const supported = path.endsWith(subscriptionId)
          ? ["2.0"]
          : apiVersions.map(({ name }) => name);
        for (const name of supported) expect(answer.body.error.message).toContain(name);
      }
    },
  );

  test("ARM-14: letters of one that is served may have any case", async () => {
    for (const { name } of apiVersions) {
      const answer = await rp.send("GET", `${clusterPath("x")}?API-Version=${name.toUpperCase()}`);
      expect(answer.status).toBe(404);
    }
  });
});

describe.each(versionPairs)(
  "made through $maker.name, handled through $other.name",
  ({ maker, other }) => {
    test("ARM-16, ARM-17: it is read, patched and deleted, and shows members of the asked version alone", async () => {
      const made = new ArmCaller(rp, maker, `by-${maker.name}-for-${other.name}`);
      const handled = made.as(other);
      const before = await made.created("shared", maker.full);
      const seen = await handled.get("shared");
      const list = await handled.list();
      expect(list.body).toEqual({ value: [seen.body] });
      expect(seen.body).toMatchObject({ id: before.body.id, tags: maker.full.tags });

      const back = await handled.put("shared", seen.body);
      expect([back.status, isAsync(back)]).toEqual([200, false]);
      const scaled = await handled.patch("shared", {
        properties: { workerProfiles: [{ name: "worker", count: 7 }] },
      });
      expect(scaled.status).toBe(202);
      await handled.ended(scaled);
      const [pool] = before.body.properties.workerProfiles;
      expect((await made.get("shared")).body.properties).toEqual({
        ...before.body.properties,
        workerProfiles: [{ ...pool, count: 7 }],
      });

      const deleted = await handled.delete("shared");
      expect(deleted.status).toBe(202);
      expect(operationId(deleted)).not.toBe(operationId(scaled));
      expect((await made.ended(deleted)).body.status).toBe("Succeeded");
      expect((await made.get("shared")).status).toBe(404);
    });
  },
);

describe.each(servedVersions)("$name", (version) => {
  test("ARM-17: no answer has a member that the program keeps for itself", async () => {
    const caller = new ArmCaller(rp, version, `internal-${version.name}`);
    const answers = [
      await caller.put("own", version.full),
      await caller.created("other"),
      await caller.get("own"),
      await caller.list(),
      await caller.patch("other", { tags: { a: "1" } }),
    ];
    // the harness has held each against the closed schema of this version
    for (const { status, text } of answers) {
      expect(status).toBeLessThan(300);
      expect(text).not.toMatch(
        /"(_\w+|kubeconfig|\w*[kK]ubeconfig|ssh\w*|\w*PrivateKey|installation|incarnationId|infraId|phase|step|operation|work|secrets|schemaVersion|partition|pullSecret|clientSecret|kubeadminPassword)"/,
      );
    }
  });
});

/** The body with its ids in another subscription. */
function inSubscription(body: unknown, subscription: string): unknown {
  return JSON.parse(JSON.stringify(body).replaceAll(subscriptionId, subscription));
}
