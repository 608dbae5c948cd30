/** Section C of the contract of ARM, and K: what every answer has, whatever was asked. */
import { Agent, request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import { pinoLog } from "../../src/runtime/pinoLog.ts";
import { clusterPath, StartedRp, subscriptionId, type RpResponse } from "../frontend/startedRp.ts";
import { ArmCaller, operationId, statusLink } from "./armCaller.ts";
import { HeldInstaller } from "./heldInstaller.ts";
import { having, servedVersions, type ServedVersion } from "./servedVersions.ts";

const lines: string[] = [];
const { installer } = new HeldInstaller();
let rp: StartedRp;
/** One in which nothing is ever done, so that operations go on. */
let still: StartedRp;
beforeAll(async () => {
  still = await StartedRp.start();
  const sink = { write: (line: string) => lines.push(line) };
  const log = pinoLog({ level: "debug", clock: systemClock, readable: false, sink });
  rp = await StartedRp.start({ workers: true, log, installer });
});
afterAll(async () => {
  await rp[Symbol.asyncDispose]();
  await still[Symbol.asyncDispose]();
});

let tours = 0;

/** Answers of every kind that a caller can cause, each with its name. */
async function tour(
  version: ServedVersion,
  headers: Readonly<Record<string, string>> = {},
): Promise<ReadonlyMap<string, RpResponse>> {
  tours += 1;
  const caller = new ArmCaller(rp, version, `tour-${tours}`);
  const answers = new Map<string, RpResponse>();
  const created = await caller.put("c", version.smallest, headers);
  answers.set("created 201", created);
  await caller.ended(created);
  const operations = caller.at("/providers/RedHat.OpenShift/operations");
  const withHeaders = { headers };
  answers.set("get 200", await caller.get("c", headers));
  answers.set("list 200", await rp.send("GET", caller.cluster("").replace("/?", "?"), withHeaders));
  answers.set("operations 200", await rp.send("GET", operations, withHeaders));
  answers.set("put 200", await caller.put("c", version.smallest, headers));
  answers.set("patch 200", await caller.patch("c", { tags: { a: "1" } }, headers));
  answers.set("action 200", await caller.post("c", "listCredentials", withHeaders));
  answers.set("illegal 400", await caller.put("c", { location: 5, nope: 1 }, headers));
  answers.set(
    "unknown version 400",
    await rp.send("GET", `${clusterPath("c")}?api-version=x`, withHeaders),
  );
  answers.set("bad path 400", await rp.send("GET", caller.cluster("%ZZ"), withHeaders));
  answers.set("missing 404", await caller.get("missing", headers));
  answers.set("no route 404", await rp.send("GET", caller.at("/none"), withHeaders));
  answers.set("no method 405", await rp.send("POST", caller.cluster("c"), withHeaders));
  answers.set("precondition 412", await caller.put("c", {}, { ...headers, "If-None-Match": "*" }));
  answers.set(
    "too large 413",
    await rp.send("PUT", caller.cluster("c"), { rawBody: `"${"x".repeat(1_100_000)}"`, headers }),
  );
  answers.set(
    "no JSON 415",
    await rp.send("PUT", caller.cluster("c"), {
      rawBody: "text",
      headers: { ...headers, "Content-Type": "text/plain" },
    }),
  );
  answers.set("no content 204", await caller.delete("missing", headers));
  answers.set("deleted 202", await caller.delete("c", headers));
  const busy = new ArmCaller(still, version, caller.group);
  const running = await busy.put("c", version.smallest, headers);
  answers.set("busy 409", await busy.put("c", version.smallest, headers));
  answers.set("status 200", await still.send("GET", statusLink(running), withHeaders));
  return answers;
}

/** What an answer says, without what two runs of the same never have in common. */
function gist(answers: ReadonlyMap<string, RpResponse>): unknown[] {
  return [...answers].map(([name, { status, body }]) => [
    name,
    status,
    body?.error?.code,
    (body?.error?.details ?? []).map(({ code, target }: Record<string, string>) => [code, target]),
  ]);
}

describe.each(servedVersions)("$name", (version) => {
  let plain: ReadonlyMap<string, RpResponse>;
  beforeAll(async () => {
    plain = await tour(version);
  });

  test("ARM-18, ARM-19: every answer has an id of its own, and the caller's where it asks for it", async () => {
    for (const [name, { status, headers }] of plain) {
      expect(name).toContain(String(status));
      expect(headers.get("x-ms-client-request-id")).toBeNull();
    }
    const inbound = {
      "x-ms-request-id": "11111111-1111-4111-8111-111111111111",
      "x-ms-client-request-id": "22222222-2222-4222-8222-222222222222",
      "x-ms-correlation-request-id": "33333333-3333-4333-8333-333333333333",
      "x-ms-return-client-request-id": "True",
    };
    const asked = await tour(version, inbound);
    const answers = [...plain.values(), ...asked.values()];
    const ids = new Set(answers.map(({ headers }) => headers.get("x-ms-request-id")));
    expect(ids.size).toBe(answers.length);
    for (const value of Object.values(inbound)) expect(ids).not.toContain(value);
    for (const { headers } of asked.values()) {
      expect(headers.get("x-ms-client-request-id")).toBe(inbound["x-ms-client-request-id"]);
    }
    const refused = await tour(version, { ...inbound, "x-ms-return-client-request-id": "false" });
    for (const { headers } of refused.values()) {
      expect(headers.get("x-ms-client-request-id")).toBeNull();
    }
  });

  test("ARM-20: a request's lines in the log carry its ids; none of the caller's counts as unique", async () => {
    const caller = new ArmCaller(rp, version, `logged-${version.name}`);
    const inbound = {
      "x-ms-request-id": `in-${version.name}`,
      "x-ms-routing-request-id": `WESTUS:${version.name}`,
      "x-ms-client-request-id": `client-${version.name}`,
      "x-ms-correlation-request-id": `correlation-${version.name}`,
    };
    lines.length = 0;
    const answers = [
      await caller.put("one", version.smallest, inbound),
      await caller.put("two", version.smallest, inbound),
      await caller.put("two", "no cluster", inbound),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 400]);
    const started = answers.slice(0, 2).map(operationId);
    expect(new Set(started).size).toBe(2);
    await Promise.all(answers.slice(0, 2).map(async (answer) => caller.ended(answer)));
    const records = lines.map((line) => JSON.parse(line));
    for (const { headers } of answers) {
      const own = records.filter(({ requestId }) => requestId === headers.get("x-ms-request-id"));
      expect(own.some(({ method }) => method === "PUT")).toBe(true);
      for (const record of own) {
        expect(record.correlationId).toBe(inbound["x-ms-correlation-request-id"]);
      }
      expect(own.find(({ method }) => method === "PUT")).toMatchObject({
        clientRequestId: inbound["x-ms-client-request-id"],
      });
    }
    expect(lines.join("")).not.toContain(`"requestId":"in-`);
    expect(lines.join("")).not.toContain(`"requestId":"WESTUS`);
  });

  test("ARM-21: bodies are JSON, every answer has a date, 202 and 204 have no body", () => {
    const date = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;
    for (const [name, { headers, text }] of plain) {
      expect(headers.get("date")).toMatch(date);
      const empty = /20[24]/.test(name);
      expect([name, text === ""]).toEqual([name, empty]);
      expect(headers.get("content-type")).toBe(empty ? null : "application/json; charset=utf-8");
    }
  });

  test("ARM-22, ARM-23: JSON in UTF-8 is accepted, a merge patch too, and no other type", async () => {
    const caller = new ArmCaller(rp, version, `types-${version.name}`);
    await caller.created("c");
    const send = async (method: string, type: string, body: unknown, action = "") =>
      rp.send(method, caller.cluster("c", action), {
        rawBody: new TextEncoder().encode(JSON.stringify(body)),
        headers: { "Content-Type": type },
      });
    const utf8 = "application/json; charset=utf-8";
    expect((await send("PUT", utf8, version.smallest)).status).toBe(200);
    expect((await send("PATCH", utf8, {})).status).toBe(200);
    expect((await send("PATCH", "application/merge-patch+json", {})).status).toBe(200);
    expect((await send("POST", utf8, {}, "/listCredentials")).status).toBe(200);
    for (const [method, type, action] of [
      ["PUT", "text/plain", ""],
      ["PUT", "application/merge-patch+json", ""],
      ["PATCH", "text/json", ""],
      ["PATCH", "application/json; charset=utf-16", ""],
      ["POST", "application/x-www-form-urlencoded", "/listCredentials"],
    ] as const) {
      const answer = await send(method, type, {}, action);
      expect(answer.status).toBe(415);
      expect(answer.body.error.code).toBe("UnsupportedMediaType");
    }
    const bodiless = await rp.send("POST", caller.cluster("c", "/listCredentials"));
    expect(bodiless.status).toBe(200);
  });

  test("ARM-24: GET and DELETE need neither a body nor its type, and read none", async () => {
    const caller = new ArmCaller(rp, version, `bodiless-${version.name}`);
    await caller.created("c");
    for (const headers of [{}, { "Content-Type": "text/plain" }]) {
      expect((await caller.get("c", headers)).status).toBe(200);
      expect((await caller.delete("none", headers)).status).toBe(204);
    }
    const odd = { rawBody: "no JSON", headers: { "Content-Type": "text/plain" } };
    expect((await rp.send("DELETE", caller.cluster("c"), odd)).status).toBe(202);
  });

  test("ARM-25: a caller's language changes no code and refuses nothing", async () => {
    for (const language of ["fr", "xx-unknown;q=0.1, *;q=0"]) {
      expect(gist(await tour(version, { "Accept-Language": language }))).toEqual(gist(plain));
    }
  });

  test("ARM-26: headers of ARM, of proxies and of nobody are no reason to fail", async () => {
    const answers = await tour(version, {
      "x-ms-client-ip-address": "203.0.113.7",
      "x-ms-client-location": "westus",
      "x-ms-client-object-id": "not a guid",
      "x-ms-client-tenant-id": "",
      "x-ms-client-principal-name": "person@example.com",
      "x-ms-client-principal-id": "é".repeat(100),
      "x-ms-client-audience": "https://management.core.windows.net/",
      "x-ms-client-scope": "user_impersonation",
      "x-ms-home-tenant-id": "5",
      "x-ms-arm-network-source": "{",
      "x-ms-arm-signed-user-token": "x".repeat(4000),
      "x-ms-arm-resource-system-data": "{",
      "x-ms-arm-service-request-id": "",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      tracestate: "=,=",
      "X-Forwarded-For": "::1, nonsense",
      "X-Forwarded-Host": "evil.example:99999",
      "X-Forwarded-Proto": "gopher",
      "X-HTTP-Method-Override": "DELETE",
      Authorization: "Bearer nonsense",
      Range: "bytes=0-1",
      Accept: "image/png",
      Cookie: "=;=",
      "X-Nobody-Knows": "1",
    });
    expect(gist(answers)).toEqual(gist(plain));
    expect(answers.get("created 201")?.headers.get("azure-asyncoperation")).not.toContain("evil");
  });

  test("ARM-45: nothing that a caller with a certificate does is answered 403", () => {
    expect([...plain.values()].map(({ status }) => status)).not.toContain(403);
    // and each refusal has its own status
    const statuses = [...plain.values()].map(({ status }) => status);
    expect(statuses).toEqual(expect.arrayContaining([400, 404, 405, 409, 412, 413, 415]));
  });

  test("ARM-92, ARM-96: every refusal has ARM's shape and its code in a header", async () => {
    const refused = [...plain].filter(([, { status }]) => status >= 400);
    expect(refused.length).toBeGreaterThan(9);
    for (const [, { body, headers }] of refused) {
      expect(Object.keys(body)).toEqual(["error"]);
      expectFault(body.error);
      expect(headers.get("x-ms-error-code")).toBe(body.error.code);
    }
    expect(plain.get("illegal 400")?.body.error.details.length).toBeGreaterThan(1);
  });

  test("ARM-29: a body over the limit is refused, and its connection goes on", async () => {
    const caller = new ArmCaller(rp, version);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const path = caller.cluster("large");
    const large = having(version.smallest, { nope: "x".repeat(2_000_000) });
    const refused = await exchange(agent, { method: "PUT", path, body: JSON.stringify(large) });
    expect(refused.status).toBe(413);
    expect(JSON.parse(refused.text).error.code).toBe("RequestEntityTooLarge");
    const next = await exchange(agent, { method: "GET", path });
    expect(next.status).toBe(404);
    expect(next.port).toBe(refused.port);
    agent.destroy();
  });
});

/** A fault and those in its details hold these members alone. */
function expectFault(fault: Readonly<Record<string, unknown>>): void {
  const { code, message, target, details, ...rest } = fault;
  expect(code).toMatch(/^([A-Z][a-zA-Z]+)$/);
  expect(message).toMatch(/\S/);
  if (target !== undefined) expect(target).toMatch(/\S/);
  for (const detail of (details as (typeof fault)[] | undefined) ?? []) expectFault(detail);
  expect(rest).toEqual({});
}

/** A request of its own, and the port of the connection on which it went. */
async function exchange(
  agent: Agent,
  { method, path, body }: { method: string; path: string; body?: string },
): Promise<{ status: number | undefined; text: string; port: number | undefined }> {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number | undefined;
    text: string;
    port: number | undefined;
  }>();
  const sent = httpRequest(new URL(path, rp.url), {
    agent,
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
  });
  sent.once("error", reject);
  sent.once("response", (response) => {
    const port = response.socket.localPort;
    let text = "";
    response.on("data", (chunk) => (text += String(chunk)));
    response.once("end", () => resolve({ status: response.statusCode, text, port }));
  });
  sent.end(body);
  return promise;
}

test("ARM-18, ARM-92: subscriptions that forbid a request say so in the same way", async () => {
  const id = subscriptionId.replace(/.$/, "e");
  await rp.send("PUT", `/subscriptions/${id}?api-version=2.0`, { body: { state: "Suspended" } });
  const [version] = servedVersions;
  const path = `${clusterPath("c", { subscription: id })}?api-version=${version?.name}`;
  const refused = await rp.send("PUT", path, { body: version?.smallest });
  expect(refused.status).toBe(409);
  expectFault(refused.body.error);
});
