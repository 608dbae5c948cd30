/** Section M of the contract of ARM, and P: who has changed a cluster, and what nobody may ever see. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { clusterKey } from "../../src/model/resourceId.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { pinoLog } from "../../src/runtime/pinoLog.ts";
import { StartedRp, subscriptionId, type RpResponse } from "../frontend/startedRp.ts";
import { ArmCaller, isAsync } from "./armCaller.ts";
import { HeldInstaller } from "./heldInstaller.ts";
import { having, secretValues, servedVersions } from "./servedVersions.ts";

const held = new HeldInstaller();
const lines: string[] = [];
const sink = { write: (line: string) => lines.push(line) };
const log = pinoLog({ level: "debug", clock: systemClock, readable: false, sink });
let rp: StartedRp;
let real: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start({ workers: true, log, installer: held.installer });
  real = await StartedRp.start({ workers: true, log });
});
afterAll(async () => {
  await rp[Symbol.asyncDispose]();
  await real[Symbol.asyncDispose]();
});
beforeEach(() => {
  lines.length = 0;
});

const header = "x-ms-arm-resource-system-data";
const scale = (count: number) => ({ properties: { workerProfiles: [{ name: "worker", count }] } });

function person(name: string, type = "User") {
  return {
    createdBy: `${name}@example.com`,
    createdByType: type,
    createdAt: `2026-01-01T00:00:00.1234567Z`,
    lastModifiedBy: `${name}@example.com`,
    lastModifiedByType: type,
    lastModifiedAt: `2026-01-02T00:00:00.1234567Z`,
  };
}

function by(data: object): Readonly<Record<string, string>> {
  // fetch sends one byte a character
  return { [header]: Buffer.from(JSON.stringify(data)).toString("latin1") };
}

describe.each(servedVersions)("$name", (version) => {
  const { smallest, full } = version;
  let caller: ArmCaller;
  beforeAll(() => {
    caller = new ArmCaller(rp, version);
  });

  test("ARM-102: systemData is copied from its header into every body, exactly, and not from the body", async () => {
    const ada = { ...person("Ädä"), createdByType: "Robot", more: "x" };
    const { more: _, ...shown } = ada;
    const planted = { ...smallest, systemData: { createdBy: "planted" } };
    const created = await caller.put("made", planted, by(ada));
    await caller.ended(created);
    const read = await caller.get("made");
    const put = await caller.put("made", planted);
    const patched = await caller.patch("made", {
      tags: { a: "1" },
      systemData: { createdBy: "x" },
    });
    for (const { body } of [created, read, put, patched]) expect(body.systemData).toEqual(shown);
    const list = await caller.list();
    expect(list.body.value.map(({ systemData }: RpResponse["body"]) => systemData)).toContainEqual(
      shown,
    );
  });

  test("ARM-103: created stays, lastModified follows the header, and without one all stays", async () => {
    const [ada, bob, eve] = [person("ada"), person("bob", "Application"), person("eve", "Key")];
    await caller.ended(await caller.put("changed", smallest, by(ada)));
    const merged = (last: typeof ada) => ({
      ...ada,
      lastModifiedBy: last.lastModifiedBy,
      lastModifiedByType: last.lastModifiedByType,
      lastModifiedAt: last.lastModifiedAt,
    });
    const put = await caller.put("changed", smallest, by(bob));
    expect([put.status, put.body.systemData]).toEqual([200, merged(bob)]);
    const patched = await caller.patch("changed", {}, by(eve));
    expect([patched.status, patched.body.systemData]).toEqual([200, merged(eve)]);
    for (const headers of [{}, { [header]: "" }, { [header]: "{" }, { [header]: '"eve"' }]) {
      const without = await caller.put("changed", smallest, headers);
      expect([without.status, without.body]).toEqual([200, patched.body]);
    }
    const { createdBy: _by, createdByType: _type, createdAt: _at, ...modified } = ada;
    const partial = await caller.put("partial", smallest, by(modified));
    expect([partial.status, partial.body.systemData]).toEqual([201, modified]);
  });

  test("ARM-104: neither reads nor refused writes nor workers change it; a write's values stay when it fails", async () => {
    const [ada, bob] = [person("ada"), person("bob")];
    held.hold("create");
    const created = await caller.put("kept", smallest, by(ada));
    const expectKept = async (expected: object): Promise<void> => {
      expect((await caller.get("kept", by(person("reader")))).body.systemData).toEqual(expected);
    };
    const refused = by(person("refused"));
    expect((await caller.put("kept", smallest, refused)).status).toBe(409);
    await expectKept(ada);
    held.release("create");
    await caller.ended(created);
    expect((await caller.put("kept", { ...smallest, location: "westus" }, refused)).status).toBe(
      400,
    );
    expect((await caller.patch("kept", scale(2), refused)).status).toBe(400);
    const condition = { ...refused, "If-Match": '"x"' };
    expect((await caller.patch("kept", scale(4), condition)).status).toBe(412);
    expect((await caller.delete("kept", condition)).status).toBe(412);
    await caller.list();
    await caller.post("kept", "listCredentials", { headers: refused });
    await expectKept(ada);
    held.fail("update");
    const failing = await caller.patch("kept", scale(9), by(bob));
    expect((await caller.ended(failing)).body.status).toBe("Failed");
    held.fail("update", false);
    await expectKept({ ...ada, lastModifiedBy: bob.lastModifiedBy });
  });

  test("ARM-105, ARM-119: no answer but that of the credentials, and no line of the log, holds a secret or a person", async () => {
    const secretly = new ArmCaller(real, version, "secretly");
    const texts: string[] = [];
    const keep = (answer: RpResponse): RpResponse => {
      texts.push(answer.text);
      return answer;
    };
    const name = `s${servedVersions.indexOf(version)}`;
    const headers = {
      ...by(person("somebody")),
      "x-ms-client-principal-name": "somebody@example.com",
    };
    const created = keep(await secretly.put(name, full, headers));
    keep(await secretly.ended(created));
    const { kubeadminPassword } = (await secretly.post(name, "listCredentials", { headers })).body;
    for (const [target, properties] of version.secrets) {
      const body = having(full, properties);
      // refused for another reason, cut off, and of another form
      keep(await secretly.put(name, having(body, scale(2).properties), headers));
      keep(await secretly.put(name, { ...body, location: "nowhere", nope: 1 }, headers));
      const rawBody = JSON.stringify(body).slice(0, -2);
      keep(await real.send("PUT", secretly.cluster(name), { rawBody, headers }));
      const [value = ""] = secretValues.filter((secret) => rawBody.includes(secret)).slice(-1);
      for (const form of [{ [value]: value }, [value], `${value}\u0000`, `{"auths":{"${value}`]) {
        keep(await secretly.put(name, having(full, nested(target, form)), headers));
        const patch = { properties: nested(target, form) };
        const patched = keep(await secretly.patch(name, patch, headers));
        if (isAsync(patched)) keep(await secretly.ended(patched));
      }
      for (const answer of [
        await secretly.patch(name, { properties }, headers),
        await secretly.put(name, body, headers),
      ]) {
        keep(answer);
        if (isAsync(answer)) keep(await secretly.ended(answer));
      }
    }
    keep(await secretly.put(name, full, { [header]: '{"createdBy":"somebody@example.com"' }));
    keep(await secretly.get(name, headers));
    keep(await secretly.list());
    const deleted = keep(await secretly.delete(name, headers));
    keep(await secretly.ended(deleted));
    keep(await secretly.result(deleted));

    expect(kubeadminPassword).toMatch(/^(\w{5}-){3}\w{5}$/);
    const logged = lines.join("");
    expect(logged).toContain(`/${name}`);
    for (const secret of [...secretValues, kubeadminPassword]) {
      expect(logged.split("\n").filter((line) => line.includes(secret))).toEqual([]);
      expect(texts.filter((text) => text.includes(secret))).toEqual([]);
    }
    expect(logged).not.toContain("somebody");
  });

  test("ARM-119: a secret that a PUT leaves out stays, and a new one is stored", async () => {
    await caller.created("secret", full);
    const secrets = async () => {
      const { group } = caller;
      const key = clusterKey({ subscriptionId, resourceGroup: group, name: "secret" });
      return (await rp.store.read("cluster", key))?.document.secrets;
    };
    const before = await secrets();
    const shown = (await caller.get("secret")).body;
    for (const secret of secretValues) expect(JSON.stringify(shown)).not.toContain(secret);
    expect((await caller.put("secret", shown)).status).toBe(200);
    expect(await secrets()).toEqual(before);
    const renewed = version.secrets.reduce((body, [, more]) => having(body, more), full);
    const answer = await caller.put("secret", renewed);
    expect(answer.headers.has("azure-asyncoperation")).toBe(true);
    await caller.ended(answer);
    const after = await secrets();
    expect(Object.keys(after ?? {})).toEqual(Object.keys(before ?? {}));
    expect(Object.values(after ?? {})).not.toEqual(Object.values(before ?? {}));
  });
});

/** Settings with a value at a path such as `properties.a.b`. */
function nested(target: string, value: unknown): Readonly<Record<string, unknown>> {
  const [, ...steps] = target.split(".");
  return steps.reduceRight<unknown>((inner, step) => ({ [step]: inner }), value) as Readonly<
    Record<string, unknown>
  >;
}
