/** How the HTTP server stops: what is under way is answered, and nobody keeps it by asking on. */
import { once } from "node:events";
import { Agent, request, type IncomingMessage, type ServerResponse } from "node:http";
import { networkInterfaces } from "node:os";
import { connect as connectTls } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { HttpServer, type HttpServerOptions } from "../../src/listener/httpServer.ts";
import { TlsCredentials } from "../../src/listener/tlsCredentials.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemIds } from "../../src/runtime/ids.ts";
import { silentLog, type Log } from "../../src/runtime/log.ts";
import { temporaryFolder } from "../process/rpProcess.ts";
import { TestClock } from "../runtime/testClock.ts";
import { RawConnection } from "./rawConnection.ts";
import { RecordingLog } from "./recordingLog.ts";
import { TestAuthority, writeTlsFiles } from "./testAuthority.ts";
import { callOverTls } from "./tlsCaller.ts";

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** On a clock that stands still, so that nothing is ever cut off by time. */
async function open(listener: Listener, given: Partial<HttpServerOptions> = {}) {
  const clock = new TestClock();
  const limits = readConfig({}).limits.connection;
  const server = await HttpServer.listen(listener, {
    host: "127.0.0.1",
    port: 0,
    clock,
    ids: systemIds,
    log: silentLog,
    limits,
    ...given,
  });
  const { url } = server;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const ask = async (): Promise<IncomingMessage> => {
    const asked = request(url, { agent });
    asked.end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    answer.resume();
    await once(answer, "end");
    return answer;
  };
  return { server, clock, ask };
}

test("what is under way is answered, with the advice to take another connection", async () => {
  const asked = Promise.withResolvers<ServerResponse>();
  const { server, ask } = await open((_request, response) => asked.resolve(response));
  const answer = ask();
  const response = await asked.promise;
  const stopped = server.stop(5_000);
  response.end("done");
  expect((await answer).headers.connection).toBe("close");
  // whoever asks on does not keep it
  await expect(ask()).rejects.toThrow(/ECONN|hang up/);
  await stopped;
});

test("what doesn't end is cut off when the time is up, and the log says how many", async () => {
  const lines: unknown[] = [];
  const log = { ...silentLog, warn: (...given: unknown[]) => void lines.push(given) } as Log;
  const held = Promise.withResolvers<void>();
  const { server, clock } = await open(
    (_request, response) => {
      held.resolve();
      response.flushHeaders();
    },
    { log },
  );
  const asked = request(server.url);
  asked.on("error", () => {});
  asked.end();
  await held.promise;
  const stopped = server.stop(5_000);
  await clock.advance(5_000);
  await stopped;
  expect(lines).toEqual([[{ graceMs: 5_000, requests: 1 }, expect.stringContaining("cut off")]]);
});

describe("a connection on which nothing is asked does not keep the server, though no time passes", () => {
  test.each([
    ["a silent one", ""],
    ["half a request line", "GET /x HT"],
    ["half the headers", "GET /x HTTP/1.1\r\nHost: localhost\r\nX-Half: "],
  ])("%s", async (_name, begin) => {
    const { server } = await open((_request, response) => void response.end());
    const caller = await RawConnection.open(server.url);
    caller.write(begin);
    await seen(server);
    await server.stop(5_000);
    expect(await caller.closed()).toBe("");
  });

  test("one that has had its answer", async () => {
    const { server } = await open((_request, response) => void response.end("done"));
    const caller = await RawConnection.open(server.url);
    caller.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await caller.until(/done/);
    await server.stop(5_000);
    expect(await caller.closed()).toMatch(/done$/);
  });

  test("one that has had its answer before the end of what it sends: it gets it whole", async () => {
    const { server, clock } = await open((_request, response) => void response.end("done"));
    const caller = await RawConnection.open(server.url);
    caller.socket.pause();
    caller.write("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n");
    await caller.writeOut("x".repeat(50_000));
    await seen(server);
    const stopped = server.stop(60_000);
    await caller.writeOut("x".repeat(49_000));
    caller.socket.resume();
    expect(await caller.until(/done/)).toMatch(/^HTTP\/1\.1 200 [^]*done$/);
    // it never ends what it sends, and is waited for a while
    await clock.advance(6_000);
    await stopped;
  });

  test("one whose answer had begun without telling it, once it has all of it", async () => {
    const asked = Promise.withResolvers<ServerResponse>();
    const { server } = await open((_request, response) => {
      response.write("begun ");
      asked.resolve(response);
    });
    const caller = await RawConnection.open(server.url);
    caller.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const response = await asked.promise;
    await caller.until(/begun/);
    const stopped = server.stop(5_000);
    response.end("and ended");
    await stopped;
    expect(await caller.closed()).toMatch(/begun [^]*and ended\r\n0\r\n\r\n$/);
  });

  test("one that is silent after its TLS handshake", async () => {
    const authority = await TestAuthority.create();
    const identity = await authority.issue({ subject: [{ CN: ["rp"] }], purpose: "server" });
    using folder = temporaryFolder();
    const files = writeTlsFiles(folder.path, identity, authority.cert);
    const tls = await TlsCredentials.read(files, { clock: systemClock, log: silentLog });
    const { server } = await open((_request, response) => void response.end(), { tls });
    const port = Number(new URL(server.url).port);
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    // by then the server's side of the handshake has ended as well
    for (let turn = 0; turn < 2; turn += 1) await callOverTls(server.url, { ca: authority.cert });
    const closed = once(socket, "close");
    await server.stop(5_000);
    await expect(closed).resolves.toBeDefined();
  });
});

/** Resolves when the server has read what was sent to it before. */
async function seen({ url }: HttpServer): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) {
    const asked = request(url, { agent: false });
    asked.end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    await once(answer.resume(), "end");
  }
}

describe("as many connections as are allowed", () => {
  const few = { ...readConfig({}).limits.connection, connections: 3 };
  const get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

  test("the longest idle one makes room, whether it ever asked or not", async () => {
    const { server } = await open((_request, response) => void response.end("done"), {
      limits: few,
    });
    const callers: RawConnection[] = [];
    for (const text of [get, "", "GET / HT"]) {
      const caller = await RawConnection.open(server.url);
      caller.write(text);
      if (text === get) await caller.until(/done/);
      callers.push(caller);
    }
    const [answered, silent, half] = callers;
    // idle anew, and so the last
    answered?.write(get);
    await answered?.until(/done[^]*done/);
    for (const longest of [silent, half, answered]) {
      const next = await RawConnection.open(server.url);
      next.write(get);
      expect(await next.until(/done/)).toMatch(/ 200 /);
      await longest?.closed();
      expect(callers.filter(({ isClosed }) => !isClosed)).not.toContain(longest);
    }
    expect([silent, half, answered].every((caller) => caller?.isClosed)).toBe(true);
  });

  test("those with requests under way are left alone: a new one is closed, and it is said once", async () => {
    const log = new RecordingLog();
    const held: ServerResponse[] = [];
    const all = Promise.withResolvers<void>();
    const { server } = await open(
      (_request, response) => {
        held.push(response);
        if (held.length === 3) all.resolve();
      },
      { limits: few, log },
    );
    const callers = [];
    for (let number = 0; number < 3; number += 1) {
      const caller = await RawConnection.open(server.url);
      caller.write(get);
      callers.push(caller);
    }
    await all.promise;
    for (let time = 0; time < 4; time += 1) {
      expect(await (await RawConnection.open(server.url)).closed()).toBe("");
    }
    expect(log.records.map(({ level, closedNew }) => [level, closedNew])).toEqual([["warn", 1]]);
    for (const response of held) response.end("done");
    for (const caller of callers) expect(await caller.until(/done/)).toMatch(/ 200 /);
  });
});

test("without TLS it listens on loopback addresses alone, whatever a name leads to", async () => {
  const listener: Listener = (_request, response) => void response.end();
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  // without IPv6 there is nothing of that kind to listen on
  const hasIpv6 = addresses.some(({ family }) => family === "IPv6");
  for (const host of ["0.0.0.0", ...(hasIpv6 ? ["::"] : [])]) {
    await expect(open(listener, { host })).rejects.toThrow(/no loopback address.*HOST/);
  }
  for (const host of ["127.0.0.1", "127.0.0.2", "localhost"]) {
    const { server } = await open(listener, { host });
    await server.stop(0);
  }
});
