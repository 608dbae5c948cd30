/** Whatever a caller sends, it gets an ARM error below 500 and changes nothing, over HTTP. */
import fc from "fast-check";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiVersions } from "../../src/versions/registry.ts";
import {
  apiVersion,
  clusterPath,
  pullSecretValue,
  smallestBody,
  StartedRp,
  subscriptionId,
  type RpResponse,
} from "./startedRp.ts";

let rp: StartedRp;
let stored: unknown;
beforeAll(async () => {
  rp = await StartedRp.start({ workers: true });
  stored = (await rp.created("victim")).body;
});
afterAll(async () => rp[Symbol.asyncDispose]());

const query = `?api-version=${apiVersion}`;

async function expectUnchanged(): Promise<void> {
  expect((await rp.get(clusterPath("victim"))).body).toEqual(stored);
  expect((await rp.get(clusterPath("fresh"))).status).toBe(404);
}

/** Code and target of each fault. */
function faultsOf({ body }: RpResponse): string[] {
  const { error } = body;
  return (error.details ?? [error]).map(
    ({ code, target }: { code: string; target: string }) => `${code} ${target}`,
  );
}

describe("bodies", () => {
  const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
  const notUtf8 = Buffer.from(JSON.stringify({ ...smallestBody, tags: { a: "\u00ff" } }), "latin1");
  const cases: readonly [string, string | Uint8Array, number][] = [
    ["seed 16, C6: null", "null", 400],
    ["an array", "[]", 400],
    ["an array with an object", '[{"location":"eastus"}]', 400],
    ["a number", "5", 400],
    ["a string", '"text"', 400],
    ["a string that holds an object", JSON.stringify(JSON.stringify(smallestBody)), 400],
    ["truncated", '{"location":"eastus","properties":{"pullSecret":"abc', 400],
    ["garbage after the object", '{"location":"eastus"} x', 400],
    ["two objects", "{}{}", 400],
    ["single quotes", "{'location':'eastus'}", 400],
    ["blanks", "  \n", 400],
    ["a byte order mark alone", "\uFEFF", 400],
    ["not UTF-8", new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), 400],
    ["a text that is not UTF-8", notUtf8, 400],
    ["nested 200,000 deep", deep, 400],
    ["nested deep in a member", `{"properties":{"pullSecret":${deep}}}`, 400],
    ["seed C7: 2 MB", JSON.stringify({ location: "x".repeat(2_000_000) }), 413],
  ];

  test.each(cases)("ARM-29, ARM-40: %s", async (_name, rawBody, status) => {
    for (const name of ["victim", "fresh"]) {
      const answer = await rp.send("PUT", `${clusterPath(name)}${query}`, { rawBody });
      expect(answer.status).toBe(status);
    }
    const patched = await rp.send("PATCH", `${clusterPath("victim")}${query}`, { rawBody });
    expect(patched.status).toBe(status);
    await expectUnchanged();
  });

  test("ARM-40, ARM-51: an empty body of PUT and PATCH is refused", async () => {
    for (const method of ["PUT", "PATCH"]) {
      const answer = await rp.send(method, `${clusterPath("victim")}${query}`, {
        headers: { "Content-Type": "application/json" },
      });
      expect(answer.status).toBe(400);
      expect(answer.body.error.code).toBe("InvalidRequestContent");
    }
    await expectUnchanged();
  });

  test("a pull secret or a location of a megabyte is refused, the largest ones are stored", async () => {
    const secretOf = (length: number): string => {
      const json = JSON.stringify({ auths: { "registry.example": { auth: "" } } });
      const text = json.replace('""', `"${"x".repeat(length - json.length)}"`);
      return Buffer.from(text).toString("base64");
    };
    const put = async (location: string, secret: string) =>
      rp.put(clusterPath("largest"), { location, properties: { pullSecret: secret } });
    const tooLarge = await put(`eastus${" ".repeat(100_000)}`, secretOf(64 * 1024 + 1));
    expect(tooLarge.status).toBe(400);
    const targets = tooLarge.body.error.details.map(({ target }: { target: string }) => target);
    expect(targets.toSorted()).toEqual(["location", "properties.pullSecret"]);
    const largest = await put(`eastus${" ".repeat(84)}`, secretOf(64 * 1024));
    expect(largest.status).toBe(201);
    expect((await rp.settled("largest")).body.properties.provisioningState).toBe("Succeeded");
  });

  test("ARM-29: a bomb: little that unpacks to much", async () => {
    const answer = await rp.send("PUT", `${clusterPath("victim")}${query}`, {
      rawBody: gzipSync(JSON.stringify({ location: "x".repeat(20_000_000) })),
      headers: { "Content-Encoding": "gzip" },
    });
    expect(answer.status).toBe(413);
    await expectUnchanged();
  });

  test("a body of 100,000 unknown members gives a list of bounded length", async () => {
    const body = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`m${index}`, 0]));
    const answer = await rp.put(clusterPath("victim"), body);
    expect(answer.status).toBe(400);
    expect(answer.text.length).toBeLessThan(20_000);
    await expectUnchanged();
  });

  test.each(["text/plain", "application/xml", "application/json-patch+json", ""])(
    "ARM-23: content type '%s'",
    async (type) => {
      const answer = await rp.send("PUT", `${clusterPath("victim")}${query}`, {
        rawBody: new TextEncoder().encode(JSON.stringify(smallestBody)),
        headers: { "Content-Type": type },
      });
      expect(answer.status).toBe(415);
      expect(answer.body.error.code).toBe("UnsupportedMediaType");
      await expectUnchanged();
    },
  );

  test("seed C8, ARM-22: a charset is accepted, if it is UTF-8", async () => {
    const send = async (type: string) =>
      rp.put(clusterPath("victim"), smallestBody, { headers: { "Content-Type": type } });
    expect((await send("application/json; charset=utf-8")).status).toBe(200);
    expect((await send("Application/JSON;charset=UTF-8")).status).toBe(200);
    for (const charset of ["ebcdic", "utf-16", "utf-7"]) {
      expect((await send(`application/json; charset=${charset}`)).status).toBe(415);
    }
  });

  test("members with the names of an object's own machinery are unknown members", async () => {
    for (const rawBody of [
      '{"location":"eastus","__proto__":{"x":1},"properties":{}}',
      '{"location":"eastus","constructor":1,"properties":{}}',
      '{"location":"eastus","properties":{"__proto__":{"pullSecret":"x"}}}',
      '{"location":"eastus","properties":{"workerProfiles":[{"name":"worker","__proto__":{}}]}}',
      '{"location":"eastus","properties":{"networkProfile":{"toString":1}}}',
    ]) {
      const answer = await rp.send("PUT", `${clusterPath("fresh")}${query}`, { rawBody });
      expect(answer.status, rawBody).toBe(400);
      const codes = [answer.body.error, ...(answer.body.error.details ?? [])].map(
        ({ code }: { code: string }) => code,
      );
      expect(codes, rawBody).toContain("InvalidRequestContent");
    }
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
    await expectUnchanged();
  });

  test("seed C18, ARM-38: names of members are matched exactly", async () => {
    const answer = await rp.put(clusterPath("victim"), { ...smallestBody, Tags: {} });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({ code: "InvalidRequestContent", target: "Tags" });
    expect(answer.body.error.message).toMatch(/; do you mean 'tags'\?$/);
  });

  test("ARM-40, ARM-41: a body of a wrong form hides no fault of a value, nor what is missing", async () => {
    const answer = await rp.put(clusterPath("fresh"), {
      location: "westus",
      Tags: {},
      properties: {
        networkProfile: { podCidr: 5, serviceCidr: "nonsense" },
        workerProfiles: [{ name: "worker", count: 2 }],
      },
    });
    expect(answer.status).toBe(400);
    expect(faultsOf(answer).toSorted()).toEqual([
      "InvalidParameter location",
      "InvalidParameter properties.networkProfile.serviceCidr",
      "InvalidParameter properties.pullSecret",
      "InvalidParameter properties.workerProfiles[0].count",
      "InvalidRequestContent Tags",
      "InvalidRequestContent properties.networkProfile.podCidr",
    ]);
    const patched = await rp.patch(clusterPath("victim"), {
      nope: 1,
      properties: { networkProfile: { podCidr: "10.1.0.0/16" } },
    });
    expect(patched.status).toBe(400);
    expect(faultsOf(patched)).toEqual([
      "InvalidRequestContent nope",
      "PropertyChangeNotAllowed properties.networkProfile.podCidr",
    ]);
    await expectUnchanged();
  });

  test("ARM-41: a create without properties has one fault, in every version", async () => {
    for (const { name } of apiVersions) {
      const path = `${clusterPath("fresh")}?api-version=${name}`;
      const answer = await rp.put(path, { location: "eastus" });
      expect([answer.status, answer.body.error]).toEqual([
        400,
        {
          code: "InvalidParameter",
          message: "'properties' is missing.",
          target: "properties",
        },
      ]);
    }
  });

  test("ARM-40, ARM-119: any JSON at all, in any place: below 500, and no piece of a secret in the answer", async () => {
    const place = fc.constantFrom(
      "location",
      "tags",
      "properties",
      "properties.pullSecret",
      "properties.networkProfile",
      "properties.networkProfile.podCidr",
      "properties.workerProfiles",
      "properties.workerProfiles.0",
      "properties.workerProfiles.0.count",
      "properties.provisioningState",
      "id",
      "systemData",
    );
    await fc.assert(
      fc.asyncProperty(place, fc.jsonValue({ maxDepth: 3 }), async (where, value) => {
        const body = structuredClone(smallestBody) as Record<string, unknown>;
        let target: Record<string, unknown> = body;
        const steps = where.split(".");
        for (const step of steps.slice(0, -1)) {
          target[step] ??= step === "workerProfiles" ? [{ name: "worker" }] : {};
          target = target[step] as Record<string, unknown>;
        }
        target[steps.at(-1) ?? ""] = value;
        for (const send of [rp.put, rp.patch]) {
          // the harness checks the status, the shape and the absence of the secret
          const answer = await send(clusterPath("not-there"), body);
          expect(answer.status).toBeLessThan(500);
          expect(answer.text).not.toContain(pullSecretValue);
        }
        await rp.until(
          clusterPath("not-there"),
          ({ status, body: shown }) =>
            status === 404 || shown.properties.provisioningState !== "Updating",
        );
      }),
      { numRuns: 100 },
    );
  });
});

describe("paths", () => {
  const good = clusterPath("x");
  test.each<[string, string, number, string]>([
    ["a malformed escape", good.replace("/x", "/%ZZ"), 400, "InvalidUri"],
    ["a malformed escape in the group", good.replace("/group/", "/%E0%A4%A/"), 400, "InvalidUri"],
    ["seed C13: no GUID", good.replace(subscriptionId, "abc"), 400, "InvalidSubscriptionID"],
    [
      "seed 10: a GUID in braces",
      good.replace(subscriptionId, `{${subscriptionId}}`),
      400,
      "InvalidSubscriptionID",
    ],
    [
      "seed 10: a GUID without dashes",
      good.replace(subscriptionId, subscriptionId.replaceAll("-", "")),
      400,
      "InvalidSubscriptionID",
    ],
    [
      "another namespace",
      good.replace("RedHat.OpenShift", "Other"),
      400,
      "InvalidResourceNamespace",
    ],
    ["another type", good.replace("OpenShiftClusters", "others"), 400, "InvalidResourceType"],
    [
      "seed 21, C16: a name with an underscore",
      good.replace("/x", "/a_b"),
      400,
      "InvalidResourceName",
    ],
    ["a name that begins with a hyphen", good.replace("/x", "/-a"), 400, "InvalidResourceName"],
    ["a name of 55", good.replace("/x", `/${"a".repeat(55)}`), 400, "InvalidResourceName"],
    ["a name with an escaped slash", good.replace("/x", "/a%2Fb"), 400, "InvalidResourceName"],
    ["a name with NUL", good.replace("/x", "/a%00"), 400, "InvalidResourceName"],
    [
      "a group of 91",
      good.replace("/group/", `/${"g".repeat(91)}/`),
      400,
      "InvalidResourceGroupName",
    ],
    [
      "a group that ends in a full stop",
      good.replace("/group/", "/g./"),
      400,
      "InvalidResourceGroupName",
    ],
    ["a group with a bar", good.replace("/group/", "/g%7Cx/"), 400, "InvalidResourceGroupName"],
    ["no such action", `${good}/explode`, 404, "NotFound"],
    ["no route of ours", "/favicon.ico", 404, "NotFound"],
    ["nothing", "/", 404, "NotFound"],
    [
      "a subscription with an api-version of clusters",
      `/subscriptions/${subscriptionId}`,
      400,
      "InvalidApiVersionParameter",
    ],
    [
      "a resource group alone",
      `/subscriptions/${subscriptionId}/resourceGroups/g`,
      404,
      "NotFound",
    ],
    ["deeper than a cluster", `${good}/credentials/more`, 404, "NotFound"],
  ])("ARM-07 to ARM-10, ARM-15: %s", async (_name, path, status, code) => {
    for (const method of ["GET", "PUT", "DELETE"]) {
      const answer = await rp.send(
        method,
        `${path}${query}`,
        method === "PUT" ? { body: smallestBody } : {},
      );
      expect(answer.status).toBe(status);
      expect(answer.body.error.code).toBe(code);
    }
  });

  test("ARM-09: all that is wrong with a path is said at once", async () => {
    const path = "/subscriptions/x/resourceGroups/g./providers/Other/others/a_b";
    const { body } = await rp.send("GET", `${path}${query}`);
    expect(body.error.details.map(({ code }: { code: string }) => code)).toEqual([
      "InvalidSubscriptionID",
      "InvalidResourceGroupName",
      "InvalidResourceNamespace",
      "InvalidResourceType",
    ]);
  });

  test("ARM-10: a path that isn't ARM's is told where to go", async () => {
    for (const path of ["/", "/favicon.ico", "/docs/more"]) {
      const { body } = await rp.send("GET", path);
      for (const hint of ["/subscriptions", "/docs", "/healthz/ready"]) {
        expect(body.error.message).toContain(hint);
      }
    }
  });

  test("ARM-10: of a long path, a message has both ends", async () => {
    const long = `${clusterPath("x")}/credentials/${"m".repeat(300)}/the-end`;
    const { body } = await rp.get(long);
    expect(body.error.message).toMatch(/^There is no route '\/subscriptions\/0{8}-.*….*\/the-end'/);
    const short = `${clusterPath("my-cluster", { group: "g".repeat(90) })}/explode`;
    expect((await rp.get(short)).body.error.message).toContain(`'${short}'`);
  });

  test("seed C12, ARM-13: no api-version", async () => {
    for (const end of ["", "?", "?api-version=", "?apiversion=1"]) {
      const answer = await rp.send("GET", `${good}${end}`);
      expect(answer.status).toBe(400);
      expect(answer.body.error.code).toBe("MissingApiVersionParameter");
    }
  });

  test.each(["2.0", "2099-01-01", "x".repeat(5000), "2019-12-31", `${apiVersion}&api-version=2.0`])(
    "ARM-14, decision 2: an unknown api-version names those that are known",
    async (version) => {
      const answer = await rp.send("GET", `${good}?api-version=${version}`);
      expect(answer.status).toBe(400);
      expect(answer.body.error.code).toBe("InvalidApiVersionParameter");
      expect(answer.body.error.message).toContain(apiVersion);
      expect(answer.text.length).toBeLessThan(1000);
    },
  );

  test("ARM-11: other query parameters are tolerated, 4 KB of them too", async () => {
    const answer = await rp.get(
      `${clusterPath("victim")}?$filter=x&foo=1&t=1&c=${"c".repeat(4096)}&s=2&h=3&foo=2&%ZZ`,
    );
    expect(answer.status).toBe(200);
  });

  test("seed C15, ARM-12, decision 13: slashes at the end and doubled at the beginning are no other path", async () => {
    expect((await rp.get(`${clusterPath("victim")}/`)).body).toEqual(stored);
    const doubled = await fetch(`${rp.url}/${clusterPath("victim")}${query}`, {
      redirect: "manual",
    });
    expect(doubled.status).toBe(200);
  });

  test("seed C15, ARM-10: 405 has a body and says which methods there are; HEAD is served as GET", async () => {
    for (const [method, path, allow] of [
      ["POST", good, "GET, PUT, PATCH, DELETE, HEAD"],
      ["OPTIONS", good, "GET, PUT, PATCH, DELETE, HEAD"],
      ["GET", `${good}/listCredentials`, "POST"],
    ] as const) {
      const answer = await rp.send(method, `${path}${query}`);
      expect(answer.status).toBe(405);
      expect(answer.body.error.code).toBe("MethodNotAllowed");
      expect(answer.headers.get("allow")?.split(", ").toSorted()).toEqual(
        allow.split(", ").toSorted(),
      );
    }
    const head = await rp.send("HEAD", `${clusterPath("victim")}${query}`);
    expect(head.status).toBe(200);
    expect(head.text).toBe("");
    expect(head.headers.get("etag")).toBe((stored as { etag: string }).etag);
  });

  test("ARM-10, ARM-12: any path at all is answered below 500", async () => {
    const segment = fc.oneof(
      fc.constantFrom(
        "subscriptions",
        subscriptionId,
        "resourceGroups",
        "providers",
        "%",
        "..",
        "",
      ),
      fc.string({ maxLength: 20 }).map((text) => encodeURIComponent(text.toWellFormed())),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(segment, { maxLength: 10 }), async (segments) => {
        const response = await fetch(`${rp.url}/${segments.join("/")}${query}`, {
          redirect: "manual",
        });
        expect(response.status).toBeLessThan(500);
        expect(response.status).not.toBe(301);
        await response.arrayBuffer();
      }),
      { numRuns: 200 },
    );
  });
});

describe("what is no HTTP", () => {
  /** Sends bytes and gives what comes back until the connection is closed. */
  async function raw(bytes: string | Uint8Array): Promise<string> {
    const { hostname, port } = new URL(rp.url);
    const socket = connect(Number(port), hostname);
    socket.write(bytes);
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    return text;
  }

  test.each<[string, string | Uint8Array, number, string]>([
    ["nonsense", "nonsense\r\n\r\n", 400, "InvalidHttpRequest"],
    [
      "decision 25: raw bytes in the request line",
      Buffer.from("GET /\u00fc HTTP/1.1\r\nHost: localhost\r\n\r\n", "latin1"),
      400,
      "InvalidHttpRequest",
    ],
    [
      "headers of 100 KB",
      `GET / HTTP/1.1\r\nHost: localhost\r\nX-Big: ${"x".repeat(100_000)}\r\n\r\n`,
      431,
      "RequestHeaderFieldsTooLarge",
    ],
  ])("ARM-92: %s gets an ARM error", async (_name, bytes, status, code) => {
    const text = await raw(bytes);
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(text).toMatch(/x-ms-request-id: [0-9a-f-]{36}/);
    expect(JSON.parse(text.slice(text.indexOf("\r\n\r\n"))).error.code).toBe(code);
  });

  test("ARM-92: a target that cannot be taken apart gets an ARM error too", async () => {
    for (const target of ["http://", "https://?x", "*", "http:///", "x"]) {
      const text = await raw(
        `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      expect(text, target).toMatch(/^HTTP\/1\.1 40[04] /);
      expect(text, target).toMatch(/x-ms-request-id: [0-9a-f-]{36}/);
      expect(JSON.parse(text.slice(text.indexOf("\r\n\r\n"))).error.code, target).toBeTruthy();
    }
  });

  test("ARM-92: an expectation nobody knows is ignored, CONNECT is refused in ARM's form", async () => {
    const expecting = await raw(
      `GET ${clusterPath("victim")}${query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 200-maybe\r\n\r\n`,
    );
    expect(expecting).toMatch(/^HTTP\/1\.1 200 /);
    const connecting = await raw("CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n");
    expect(connecting).toMatch(/^HTTP\/1\.1 405 /);
    expect(connecting).toMatch(/x-ms-request-id: /);
    expect(connecting).toContain("MethodNotAllowed");
  });

  test("a CONNECT that is reset at once harms nobody", async () => {
    const { hostname, port } = new URL(rp.url);
    for (let time = 0; time < 20; time += 1) {
      const socket = connect(Number(port), hostname);
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      socket.once("close", () => resolve());
      socket.on("error", () => {
        // its own reset
      });
      socket.write("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", () => socket.resetAndDestroy());
      await closed;
    }
    await expectUnchanged();
  });

  test("a CONNECT is hung up on, whatever its caller does", async () => {
    const { hostname, port } = new URL(rp.url);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    socket.write("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n");
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    expect(text).toContain("MethodNotAllowed");
    socket.destroy();
  });

  test("a second request that breaks does not take away the first one's answer", async () => {
    const body = JSON.stringify(smallestBody);
    const head = (name: string): string =>
      `PUT ${clusterPath(name)}${query} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
    const text = await raw(
      `${head("pipe1")}Content-Length: ${body.length}\r\n\r\n${body}` +
        `${head("pipe2")}Transfer-Encoding: chunked\r\n\r\nZZ\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 201 /);
  });

  test("garbage after a whole request does not take away its answer", async () => {
    const body = JSON.stringify(smallestBody);
    const text = await raw(
      `PUT ${clusterPath("pipelined")}${query} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}garbage\r\n\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 201 /);
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test("a broken chunk in the middle of a body is refused", async () => {
    const text = await raw(
      `PUT ${clusterPath("fresh")}${query} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
        "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nZZ\r\n",
    );
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    await expectUnchanged();
  });

  test("a request without Host gets links on the address that was called", async () => {
    const body = JSON.stringify(smallestBody);
    const text = await raw(
      `PUT ${clusterPath("hostless")}${query} HTTP/1.0\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(text).toContain(`Azure-AsyncOperation: ${rp.url}/subscriptions/`);
  });

  test("ARM-51: a chunked body without a chunk is an empty one", async () => {
    const text = await raw(
      `PATCH ${clusterPath("victim")}${query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    );
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toContain("InvalidRequestContent");
  });

  test("a caller that goes away in the middle of its body leaves nothing behind", async () => {
    const { hostname, port } = new URL(rp.url);
    const socket = connect(Number(port), hostname);
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    socket.once("close", () => resolve());
    socket.write(
      `PUT ${clusterPath("fresh")}${query} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
        'Content-Length: 500\r\n\r\n{"location":',
      () => socket.destroy(),
    );
    await closed;
    await expectUnchanged();
  });
});
