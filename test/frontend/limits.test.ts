/** What a caller that takes too much gets: an answer, at once, and no more than its share. Over real sockets. */
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import type { Log } from "../../src/runtime/log.ts";
import { silentLog } from "../../src/runtime/log.ts";
import type { Store } from "../../src/store/store.ts";
import { previewCluster, stableCluster } from "../fuzz/fuzzRequest.ts";
import { RawConnection } from "../listener/rawConnection.ts";
import { threadMs } from "../runtime/threadTime.ts";
import {
  apiVersion,
  clusterPath,
  smallestBody,
  StartedRp,
  subscriptionId,
  type StartOptions,
} from "./startedRp.ts";

const query = `?api-version=${apiVersion}`;
const json = "Content-Type: application/json\r\n";
const wholeAnswer = /\r\n\r\n\{[^]*\n\}\n$/;

async function started(options: StartOptions = {}): Promise<StartedRp> {
  const rp = await StartedRp.start(options);
  onTestFinished(async () => rp[Symbol.asyncDispose]());
  return rp;
}

/** The request line and headers of a PUT, to which those of the test are added. */
function head(headers: string, path = clusterPath("fresh")): string {
  return `PUT ${path}${query} HTTP/1.1\r\nHost: localhost\r\n${json}${headers}\r\n`;
}

const get = (name: string): string =>
  `GET ${clusterPath(name)}${query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;

/** A put body padded to a length. */
function bodyOf(length: number): string {
  const text = JSON.stringify({ ...smallestBody, tags: { pad: "" } });
  return text.replace('"pad":""', `"pad":"${"x".repeat(length - text.length)}"`);
}

function codeOf(text: string): string {
  return JSON.parse(text.slice(text.lastIndexOf("\r\n\r\n"))).error.code;
}

describe("ARM-29: the size of a body", () => {
  test("one that says it is too large is refused before it is sent", async () => {
    const rp = await started();
    const caller = await RawConnection.open(rp.url);
    caller.write(head("Content-Length: 1048577\r\n"));
    const text = await caller.until(wholeAnswer);
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(codeOf(text)).toBe("RequestEntityTooLarge");
    // of more than ARM would ever send, nobody waits for the end
    const larger = await RawConnection.open(rp.url);
    larger.write(head("Content-Length: 4194305\r\n"));
    expect(await larger.closed()).toMatch(/^HTTP\/1\.1 413 [^]*\r\nConnection: close\r\n/i);
    expect((await rp.get(clusterPath("fresh"))).status).toBe(404);
  });

  test("one of exactly the limit is read", async () => {
    const rp = await started({ limits: { body: { bytes: 2048 } } });
    const whole = bodyOf(2048);
    expect((await rp.put(clusterPath("fresh"), JSON.parse(whole))).status).toBe(400);
    const over = await rp.send("PUT", `${clusterPath("fresh")}${query}`, {
      rawBody: `${whole} `,
    });
    expect(over.status).toBe(413);
  });

  test("who sends on for a while gets the answer all the same", async () => {
    const rp = await started();
    for (const headers of [
      "Connection: close\r\nContent-Length: 3000000\r\n",
      "Transfer-Encoding: chunked\r\n",
    ]) {
      const caller = await RawConnection.open(rp.url);
      // nothing is read until all is sent
      caller.socket.pause();
      caller.write(head(headers));
      const chunk = `2625a0\r\n${"x".repeat(2_500_000)}\r\n0\r\n\r\n`;
      await caller.writeOut(headers.startsWith("T") ? chunk : "x".repeat(3_000_000));
      caller.socket.resume();
      const text = await caller.closed();
      expect(caller.statuses).toEqual([413]);
      expect(codeOf(text)).toBe("RequestEntityTooLarge");
    }
  });

  test("who never stops sending is cut off", async () => {
    const rp = await started();
    const caller = await RawConnection.open(rp.url, { allowHalfOpen: true });
    caller.write(head("Transfer-Encoding: chunked\r\n"));
    const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
    while (!caller.isClosed) await caller.writeOut(chunk);
    expect(caller.statuses).toEqual([413]);
    expect((await rp.get(clusterPath("fresh"))).status).toBe(404);
  });

  test("a chunked one is refused as soon as it is too large, not at its end", async () => {
    const rp = await started({ limits: { body: { bytes: 2048 } } });
    const caller = await RawConnection.open(rp.url);
    caller.write(`${head("Transfer-Encoding: chunked\r\n")}801\r\n${"x".repeat(2049)}\r\n`);
    expect(await caller.until(wholeAnswer)).toMatch(/^HTTP\/1\.1 413 [^]*Connection: close/i);
  });

  test.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
  ] as const)("a bomb of %s is refused, and what unpacks to little is read", async (name, pack) => {
    const rp = await started();
    const send = async (text: string) =>
      rp.send("PUT", `${clusterPath(name)}${query}`, {
        rawBody: pack(text),
        headers: { "Content-Encoding": name },
      });
    expect((await send(" ".repeat(5_000_000))).status).toBe(413);
    expect((await rp.get(clusterPath(name))).status).toBe(404);
    expect((await send(JSON.stringify(smallestBody))).status).toBe(201);
  });

  test("what does not unpack is refused; so is an encoding nobody asked for", async () => {
    const rp = await started();
    const whole = gzipSync(JSON.stringify(smallestBody));
    const send = async (encoding: string, rawBody: Uint8Array) =>
      rp.send("PUT", `${clusterPath("fresh")}${query}`, {
        rawBody,
        headers: { "Content-Encoding": encoding },
      });
    for (const packed of [whole.subarray(0, 40), Buffer.from("{}"), Buffer.alloc(50, 0xff)]) {
      const answer = await send("gzip", packed);
      expect([answer.status, answer.body.error.code]).toEqual([400, "InvalidRequestContent"]);
    }
    for (const encoding of ["zstd", "compress", "constructor", "gzip, gzip"]) {
      expect((await send(encoding, whole)).status).toBe(415);
    }
    expect((await send("GZIP", whole)).status).toBe(201);
  });

  test("who asks first is told to go on, or refused without", async () => {
    const rp = await started();
    const ask = async (headers: string, path?: string) => {
      const caller = await RawConnection.open(rp.url);
      caller.write(head(`${headers}Expect: 100-continue\r\nConnection: close\r\n`, path));
      return caller;
    };
    const tooLarge = await ask("Content-Length: 2000000\r\n");
    await tooLarge.closed();
    expect(tooLarge.statuses).toEqual([413]);
    const nowhere = await ask("Content-Length: 20\r\n", "/nowhere");
    await nowhere.closed();
    expect(nowhere.statuses).toEqual([404]);
    const body = JSON.stringify(smallestBody);
    const welcome = await ask(`Content-Length: ${body.length}\r\n`);
    await welcome.until(/ 100 Continue\r\n\r\n/);
    welcome.write(body);
    await welcome.closed();
    expect(welcome.statuses).toEqual([100, 201]);
  });

  test("after a refusal of a short body the connection goes on", async () => {
    const rp = await started({ limits: { body: { bytes: 1024 } } });
    for (const wait of [true, false]) {
      const caller = await RawConnection.open(rp.url);
      caller.write(head("Content-Length: 2000\r\n"));
      if (wait) await caller.until(wholeAnswer);
      caller.write("x".repeat(2000));
      caller.write(get("none"));
      await caller.closed();
      expect(caller.statuses).toEqual([413, 404]);
    }
  });

  test("what is sent after a connection was told to end does not count", async () => {
    const rp = await started();
    const caller = await RawConnection.open(rp.url);
    const body = JSON.stringify(smallestBody);
    caller.write(
      `${head("Transfer-Encoding: chunked\r\n", "/nowhere")}1\r\nx\r\n0\r\n\r\n` +
        `${head(`Content-Length: ${body.length}\r\n`)}${body}`,
    );
    await caller.closed();
    expect(caller.statuses[0]).toBe(404);
    const stored = (await rp.get(clusterPath("fresh"))).status;
    expect([caller.statuses.length, stored]).toEqual(stored === 200 ? [2, 200] : [1, 404]);
  });

  test("a body of a byte to a chunk takes as much memory as any other", async () => {
    const rp = await started();
    const caller = await RawConnection.open(rp.url);
    const body = bodyOf(100_000);
    caller.write(head("Transfer-Encoding: chunked\r\nConnection: close\r\n"));
    const before = process.memoryUsage().heapUsed;
    let most = 0;
    const pieces = body.replaceAll(/[^]/g, "1\r\n$&\r\n");
    for (let at = 0; at < pieces.length; at += 60_000) {
      await caller.writeOut(pieces.slice(at, at + 60_000));
      most = Math.max(most, process.memoryUsage().heapUsed - before);
    }
    caller.write("0\r\n\r\n");
    await caller.closed();
    expect(caller.statuses).toEqual([400]);
    expect(most).toBeLessThan(60_000_000);
  });

  /** Sends a part of a body, and resolves when it is held. */
  async function heldBody(rp: StartedRp, subscription: string, bytes: number) {
    const caller = await RawConnection.open(rp.url);
    const path = clusterPath("held", { subscription });
    caller.write(head(`Content-Length: ${bytes}\r\nExpect: 100-continue\r\n`, path));
    await caller.until(/ 100 Continue\r\n\r\n/);
    await caller.writeOut("x".repeat(bytes - 1));
    return caller;
  }
  const subscriptionOf = (number: number): string => `00000000-0000-4000-8000-00000000000${number}`;

  test("all bodies together have a limit too; it is free again when their requests end", async () => {
    const rp = await started({ limits: { body: { bytes: 4096, totalBytes: 8192 } } });
    const holders = [
      await heldBody(rp, subscriptionOf(2), 4096),
      await heldBody(rp, subscriptionOf(3), 4096),
    ];
    const put = async () => rp.put(clusterPath("fresh"), smallestBody);
    let refused = await put();
    // until what they sent has come
    while (refused.status !== 503) refused = await put();
    expect(refused.body.error.code).toBe("ServiceUnavailable");
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await rp.get(clusterPath("none"))).status).toBe(404);
    for (const holder of holders) holder.socket.destroy();
    let answer = await put();
    while (answer.status === 503) answer = await put();
    expect(answer.status).toBeLessThan(500);
  });

  test("one subscription's bodies have a share, so that another's are read, large ones too", async () => {
    const rp = await started({ limits: { body: { totalBytes: 12 * 1_048_576 } } });
    const large = async (number: number) =>
      rp.send("PUT", `${clusterPath("large", { subscription: subscriptionOf(number) })}${query}`, {
        rawBody: bodyOf(1_048_576),
      });
    for (let body = 0; body < 24; body += 1) {
      await heldBody(rp, subscriptionOf(2), 1_048_576);
    }
    let own = await large(2);
    // until what was sent has come; a tag may not be so long
    while (own.status === 400) own = await large(2);
    expect([own.status, own.body.error.code]).toEqual([429, "TooManyRequests"]);
    expect(own.headers.get("retry-after")).toBe("1");
    expect((await large(3)).status).toBe(400);
    const created = await rp.put(
      clusterPath("fresh", { subscription: subscriptionOf(3) }),
      smallestBody,
    );
    expect(created.status).toBe(201);
  });

  test("however many subscriptions send large bodies, there is room for small ones", async () => {
    const rp = await started({ limits: { body: { totalBytes: 8 * 1_048_576 } } });
    const held: RawConnection[] = [];
    for (const number of [2, 3, 4, 5, 6, 7]) {
      held.push(await heldBody(rp, subscriptionOf(number), 1_048_576));
      held.push(await heldBody(rp, subscriptionOf(number), 1_048_576));
    }
    const put = async (rawBody: string, name = "large") =>
      rp.send("PUT", `${clusterPath(name, { subscription: subscriptionOf(8) })}${query}`, {
        rawBody,
      });
    let refused = await put(bodyOf(1_048_576));
    while (refused.status === 400) refused = await put(bodyOf(1_048_576));
    expect(refused.status).toBe(503);
    expect((await put(JSON.stringify(smallestBody), "small")).status).toBe(201);
    for (const { socket } of held) socket.destroy();
    let again = await put(bodyOf(1_048_576));
    while (again.status === 503) again = await put(bodyOf(1_048_576));
    expect(again.status).toBe(400);
  });
});

describe("the size of what comes before a body", () => {
  test("headers that are too large, of a caller that sends on", async () => {
    const rp = await started();
    const caller = await RawConnection.open(rp.url);
    caller.socket.pause();
    await caller.writeOut(
      `GET / HTTP/1.1\r\nHost: localhost\r\nX-Big: ${"x".repeat(2_000_000)}\r\n\r\n`,
    );
    caller.socket.resume();
    const text = await caller.closed();
    expect(caller.statuses).toEqual([431]);
    expect(codeOf(text)).toBe("RequestHeaderFieldsTooLarge");
  });

  test("too many headers, and as many as may be", async () => {
    const rp = await started({ limits: { request: { headers: 50 } } });
    const ask = async (count: number) => {
      const caller = await RawConnection.open(rp.url);
      const lines = Array.from({ length: count - 2 }, (_, index) => `X-${index}: 1\r\n`).join("");
      caller.write(
        `GET ${clusterPath("x")}${query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`,
      );
      caller.write(`${lines}\r\n`);
      const text = await caller.closed();
      return [caller.statuses, codeOf(text)];
    };
    expect(await ask(50)).toEqual([[404], "ResourceNotFound"]);
    expect(await ask(51)).toEqual([[431], "RequestHeaderFieldsTooLarge"]);
    expect(await ask(3000)).toEqual([[431], "RequestHeaderFieldsTooLarge"]);
  });

  test("a target that is too long, and one that is as long as may be", async () => {
    const rp = await started({ limits: { request: { uriBytes: 8000 } } });
    const path = (length: number): string => {
      const begin = `${clusterPath("x")}${query}&c=`;
      return begin + "c".repeat(length - begin.length);
    };
    expect((await rp.send("GET", path(8000))).status).toBe(404);
    const answer = await rp.send("GET", path(8001));
    expect([answer.status, answer.body.error.code]).toEqual([414, "RequestUriTooLong"]);
  });
});

describe("time", () => {
  const connection = { headersTimeoutMs: 200, requestTimeoutMs: 400 };

  test("who sends no request, or trickles headers or a body, gets 408 and is cut off", async () => {
    const rp = await started({ limits: { connection } });
    for (const [begin, more] of [
      ["", ""],
      ["GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "x"],
      [`${head("Content-Length: 1000\r\n")}{`, " "],
      [`${head("Transfer-Encoding: chunked\r\n")}1\r\n{\r\n`, "1\r\n \r\n"],
    ] as const) {
      const caller = await RawConnection.open(rp.url);
      caller.write(begin);
      const trickle = setInterval(() => caller.write(more), 20);
      const text = await caller.closed();
      clearInterval(trickle);
      expect(caller.statuses, begin).toEqual([408]);
      expect(codeOf(text)).toBe("RequestTimeout");
      expect(text).toMatch(/x-ms-request-id: /);
    }
    // nothing was made; a request that asks might be too late as well
    const stored = await rp.store.listClusters({ partition: subscriptionId }, { limit: 1 });
    expect(stored.items).toEqual([]);
  });

  test("who was answered before its body came is cut off without a second answer", async () => {
    const rp = await started({ limits: { connection, body: { bytes: 1024 } } });
    let statuses: readonly number[] = [408];
    // a busy machine may hold this thread back until the time is up before the headers are read: again, until it doesn't
    while (statuses[0] === 408) {
      const caller = await RawConnection.open(rp.url);
      caller.write(`${head("Content-Length: 2000\r\n")}x`);
      await caller.closed();
      ({ statuses } = caller);
    }
    expect(statuses).toEqual([413]);
  });

  test("a connection without a request is closed", async () => {
    const rp = await started({ limits: { connection: { keepAliveMs: 100 } } });
    const caller = await RawConnection.open(rp.url);
    caller.write(get("x").replace("Connection: close\r\n", ""));
    await caller.closed();
    expect(caller.statuses).toEqual([404]);
  });

  test("who doesn't take its answer is cut off", async () => {
    const cut = Promise.withResolvers<void>();
    const log: Log = {
      ...silentLog,
      info: (_fields, message) => {
        if (message.includes("did not take")) cut.resolve();
      },
    };
    const rp = await started({ log, limits: { connection: { sendTimeoutMs: 200 } } });
    const caller = await RawConnection.open(rp.url);
    caller.socket.pause();
    // more than the buffers of the system on both sides
    const asked = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(30);
    await caller.writeOut(asked);
    await cut.promise;
    caller.socket.resume();
    await caller.closed();
    expect(caller.statuses.length).toBeLessThan(30);
  });

  test("a request whose time is up is answered 503", async () => {
    const rp = await started({
      store: (store) => ({ ...methodsOf(store), read: hanging }),
      limits: { request: { deadlineMs: 100 } },
    });
    const answer = await rp.get(clusterPath("x"));
    expect([answer.status, answer.body.error.code]).toEqual([503, "ServiceUnavailable"]);
  });
});

/** A store as an object whose methods can be replaced one by one. */
function methodsOf(store: Store): Store {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(store));
  return Object.fromEntries(
    names.map((name) => {
      const member = store[name as keyof Store] as unknown;
      return [name, typeof member === "function" ? member.bind(store) : member];
    }),
  ) as unknown as Store;
}

/** Answers never, but ends when it is told to. */
async function hanging(_kind: unknown, _key: unknown, options?: { readonly signal?: AbortSignal }) {
  options?.signal?.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  options?.signal?.addEventListener("abort", () => reject(options.signal?.reason));
  return promise;
}

describe("how many at once", () => {
  /** A store whose reads wait until they are let go. */
  function gate() {
    let open = Promise.withResolvers<void>();
    let waiting = 0;
    let watcher = (): void => {};
    const store = (plain: Store): Store => ({
      ...methodsOf(plain),
      read: async (...given) => {
        waiting += 1;
        watcher();
        await open.promise;
        waiting -= 1;
        return plain.read(...given);
      },
    });
    return {
      store,
      /** Resolves when so many wait. */
      waiting: async (count: number) => {
        while (waiting < count) await new Promise<void>((resolve) => (watcher = resolve));
      },
      letGo: () => {
        open.resolve();
        open = Promise.withResolvers();
      },
    };
  }
  const other = "00000000-0000-4000-8000-0000000000ab";

  test("ARM-95: requests of one subscription: 429 before the body is read, others are served", async () => {
    const { store, waiting, letGo } = gate();
    const rp = await started({ store, limits: { request: { subscriptionRequests: 2 } } });
    const held = [rp.get(clusterPath("a")), rp.get(clusterPath("b"))];
    await waiting(2);
    const refused = await rp.get(clusterPath("c"));
    expect([refused.status, refused.body.error.code]).toEqual([429, "TooManyRequests"]);
    expect(refused.headers.get("retry-after")).toBe("1");
    const bodiless = await RawConnection.open(rp.url);
    bodiless.write(head("Content-Length: 500\r\n"));
    expect(await bodiless.until(wholeAnswer)).toMatch(/^HTTP\/1\.1 429 /);
    held.push(rp.get(clusterPath("a", { subscription: other })));
    await waiting(3);
    letGo();
    for (const answer of held) expect((await answer).status).toBe(404);
    const again = rp.get(clusterPath("c"));
    await waiting(1);
    letGo();
    expect((await again).status).toBe(404);
  });

  test("a subscription is one in any case, and what isn't one has no count", async () => {
    const { store, waiting, letGo } = gate();
    const rp = await started({ store, limits: { request: { subscriptionRequests: 1 } } });
    const held = rp.get(clusterPath("a", { subscription: other }));
    await waiting(1);
    const upper = clusterPath("a", { subscription: other.toUpperCase() });
    expect((await rp.get(upper)).status).toBe(429);
    for (let time = 0; time < 3; time += 1) {
      expect((await rp.get(clusterPath("a", { subscription: "constructor" }))).status).toBe(400);
      expect((await rp.get("/providers/RedHat.OpenShift/operations")).status).toBe(200);
    }
    letGo();
    expect((await held).status).toBe(404);
  });

  test("callers that go away, and requests that fail, leave no count behind", async () => {
    const { store, waiting, letGo } = gate();
    const rp = await started({
      store,
      limits: { request: { subscriptionRequests: 1, requests: 1 } },
    });
    for (let time = 0; time < 5; time += 1) {
      const caller = await RawConnection.open(rp.url);
      caller.write(get("a"));
      await waiting(1);
      caller.socket.destroy();
      letGo();
      // refused as long as the one that went away is not known to be gone
      let bad = await rp.send("PUT", `${clusterPath("a")}${query}`, { rawBody: "{" });
      while (bad.status === 429) {
        bad = await rp.send("PUT", `${clusterPath("a")}${query}`, { rawBody: "{" });
      }
      expect(bad.status).toBe(400);
      const next = rp.get(clusterPath("a"));
      await waiting(1);
      letGo();
      expect((await next).status).toBe(404);
    }
  });

  test("requests in all: 503, but whether the process is well is still said", async () => {
    const { store, waiting, letGo } = gate();
    const rp = await started({ store, limits: { request: { requests: 2 } } });
    const held = [rp.get(clusterPath("a")), rp.get(clusterPath("b", { subscription: other }))];
    await waiting(2);
    const refused = await rp.get(clusterPath("c"));
    expect([refused.status, refused.body.error.code]).toEqual([503, "ServiceUnavailable"]);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await rp.get("/healthz/ready")).status).toBe(200);
    letGo();
    for (const answer of held) expect((await answer).status).toBe(404);
    const again = rp.get(clusterPath("c"));
    await waiting(1);
    letGo();
    expect((await again).status).toBe(404);
  });

  test("requests that were sent ahead on one connection are counted one by one", async () => {
    const { store, waiting, letGo } = gate();
    const rp = await started({ store, limits: { request: { subscriptionRequests: 3 } } });
    const caller = await RawConnection.open(rp.url);
    caller.write(get("a").replace("Connection: close\r\n", "").repeat(9) + get("a"));
    await waiting(3);
    letGo();
    await caller.closed();
    const refused = caller.statuses.filter((status) => status === 429);
    expect([caller.statuses.length, refused.length]).toEqual([10, 7]);
  });

  test("by default twenty requests of one subscription at once are let in", async () => {
    const rp = await started();
    const puts = Array.from({ length: 20 }, async (_, index) =>
      rp.put(clusterPath(`c${index}`), smallestBody),
    );
    expect((await Promise.all(puts)).map(({ status }) => status)).toEqual(Array(20).fill(201));
  });

  test("connections: strangers, who are told that theirs ends, keep nobody from asking how the process is", async () => {
    const rp = await started({ limits: { connection: { connections: 20 } } });
    const strangers: RawConnection[] = [];
    for (let number = 0; number < 60; number += 1) {
      const caller = await RawConnection.open(rp.url);
      caller.write("GET /x HTTP/1.1\r\nHost: evil.example\r\n\r\n");
      strangers.push(caller);
    }
    expect((await rp.get("/healthz/live")).status).toBe(200);
    for (const caller of strangers) {
      expect(await caller.closed()).toMatch(/^HTTP\/1\.1 403 [^]*\r\nConnection: close\r\n/i);
    }
  });

  test("connections: those that are kept and unused give way to new ones", async () => {
    const rp = await started({ limits: { connection: { connections: 20 } } });
    for (let number = 0; number < 60; number += 1) {
      const caller = await RawConnection.open(rp.url);
      caller.write(get("a").replace("Connection: close\r\n", ""));
      expect(await caller.until(wholeAnswer)).toMatch(/^HTTP\/1\.1 404 /);
    }
    expect((await rp.get("/healthz/ready")).status).toBe(200);
  });
});

describe("the form of a body", () => {
  const { items, values, depth } = readConfig({}).limits.body;

  test.each([
    ["a long array", `[${"0,".repeat(items)}0]`, "items"],
    [
      "many members",
      `{${Array.from({ length: values + 1 }, (_, at) => `"m${at}":0`).join()}}`,
      "members",
    ],
    ["many short arrays", `{"a":[${`[${"{},".repeat(999)}{}],`.repeat(60)}[]]}`, "members"],
    ["a megabyte of empty arrays", `[${"[],".repeat(340_000)}[]]`, "items"],
    [
      "a megabyte of empty objects",
      `{"x":${`[${"{},".repeat(900)}{}],`.repeat(380).replace(/^/, "[")}0]}`,
      "members",
    ],
    ["deep", `${"[".repeat(depth + 1)}${"]".repeat(depth + 1)}`, "levels"],
  ])("%s is refused at once, on every route with a body", async (_name, rawBody, word) => {
    const rp = await started();
    const preflight =
      `/subscriptions/${subscriptionId}/resourceGroups/g/providers/RedHat.OpenShift` +
      "/deployments/d/preflight?api-version=2020-06-01";
    for (const [method, path] of [
      ["PUT", `${clusterPath("a")}${query}`],
      ["PATCH", `${clusterPath("a")}?api-version=2020-04-30`],
      ["POST", preflight],
      ["PUT", `/subscriptions/${subscriptionId}?api-version=2.0`],
    ] as const) {
      const begun = threadMs();
      const answer = await rp.send(method, path, { rawBody });
      expect([answer.status, answer.body.error.code]).toEqual([400, "InvalidRequestContent"]);
      expect(answer.body.error.message).toContain(word);
      expect(threadMs() - begun).toBeLessThan(2_000);
    }
  });

  test("what is just within the limits is judged in bounded time", async () => {
    const rp = await started();
    const many = Object.fromEntries(Array.from({ length: values - 10 }, (_, at) => [`m${at}`, {}]));
    const nested = {
      properties: { workerProfiles: Array.from({ length: items }, () => ({ a: 1, b: {}, c: [] })) },
    };
    for (const body of [many, { tags: many }, { properties: many }, nested]) {
      for (const send of [rp.put, rp.patch]) {
        const begun = threadMs();
        expect((await send(clusterPath("a"), body)).status).toBeGreaterThanOrEqual(400);
        expect(threadMs() - begun).toBeLessThan(3_000);
      }
    }
  });

  test("no text of a cluster may be so long that its document gets too large for a store", async () => {
    const rp = await started();
    const long = "a".repeat(200_000);
    for (const [version, body] of [
      ["2019-12-31-preview", previewCluster],
      ["2020-04-30", stableCluster],
    ] as const) {
      const leaves: string[] = [];
      JSON.stringify(body, (_key, value: unknown) => {
        if (typeof value === "string") leaves.push(value);
        return value;
      });
      expect(leaves.length).toBeGreaterThan(5);
      for (const leaf of leaves) {
        const rawBody = JSON.stringify(body).replace(JSON.stringify(leaf), JSON.stringify(long));
        const path = `${clusterPath("long")}?api-version=${version}`;
        const answer = await rp.send("PUT", path, { rawBody });
        expect([leaf, answer.status]).toEqual([leaf, 400]);
      }
      // nor may there be many of them
      const properties = {
        ...body.properties,
        workerProfiles: Array.from({ length: 900 }, (_, at) => ({
          ...body.properties.workerProfiles[0],
          name: `w${at}`,
        })),
      };
      const many = { ...body, properties };
      expect((await rp.put(`${clusterPath("long")}?api-version=${version}`, many)).status).toBe(
        400,
      );
    }
  });
});
