/** Who gets in by a certificate of a private authority: the real handshake over real sockets. */
import { once } from "node:events";
import { Agent } from "node:https";
import { connect as connectPlain } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { clientCertificates } from "../../src/listener/clientCertificates.ts";
import { TlsCredentials } from "../../src/listener/tlsCredentials.ts";
import { silentLog, type Log } from "../../src/runtime/log.ts";
import { systemClock, type Clock } from "../../src/runtime/clock.ts";
import { clusterPath, smallestBody, StartedRp } from "../frontend/startedRp.ts";
import { temporaryFolder } from "../process/rpProcess.ts";
import { TestClock } from "../runtime/testClock.ts";
import { RecordingLog } from "./recordingLog.ts";
import { TestAuthority, writeTlsFiles, type Identity } from "./testAuthority.ts";
import { callOverTls, type TlsCall } from "./tlsCaller.ts";

const hourMs = 3_600_000;
const caller = [{ C: ["US"] }, { O: ["Example, Inc."] }, { CN: ["caller"] }];
const callerName = "CN=caller,O=Example\\, Inc.,C=US";
const query = "?api-version=2019-12-31-preview";

let serverAuthority: TestAuthority;
let authority: TestAuthority;
let server: Identity;
let right: Identity;

beforeAll(async () => {
  serverAuthority = await TestAuthority.create();
  authority = await TestAuthority.create();
  server = await serverAuthority.issue({ subject: [{ CN: ["localhost"] }], purpose: "server" });
  right = await authority.issue({ subject: caller });
});

async function open({
  log = silentLog,
  clock = systemClock,
}: { readonly log?: Log; readonly clock?: Clock } = {}) {
  const folder = temporaryFolder();
  const files = writeTlsFiles(folder.path, server, authority.cert);
  const credentials = await TlsCredentials.read(files, { clock, log });
  const rp = await StartedRp.start({
    tls: credentials,
    authenticator: clientCertificates({ subject: callerName, credentials, clock }),
    log,
  });
  onTestFinished(async () => {
    await rp[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });
  const call = async (path: string, options: Partial<TlsCall> = {}) =>
    callOverTls(`${rp.url}${path}`, { ca: serverAuthority.cert, ...options });
  return { rp, credentials, folder, call };
}

const cluster = `${clusterPath("c")}${query}`;

test("ARM-117: the right certificate creates a cluster, with links over https", async () => {
  const { rp, call } = await open();
  const created = await call(cluster, {
    method: "PUT",
    body: JSON.stringify(smallestBody),
    identity: right,
  });
  expect(created.status).toBe(201);
  expect(rp.url).toMatch(/^https:/);
  expect(created.headers["azure-asyncoperation"]).toContain(`${rp.url}/subscriptions/`);
});

describe("ARM-117: a caller is refused as an ARM error, with 403", () => {
  const wrong: readonly (readonly [string, () => Promise<Identity | undefined>, RegExp])[] = [
    ["no certificate", async () => undefined, /no certificate was presented/],
    [
      "one that has expired",
      async () => authority.issue({ subject: caller, notAfter: new Date(Date.now() - 60_000) }),
      /CERT_HAS_EXPIRED/,
    ],
    [
      "one that is not valid yet",
      async () => authority.issue({ subject: caller, notBefore: new Date(Date.now() + 60_000) }),
      /CERT_NOT_YET_VALID/,
    ],
    [
      "one of another authority of the same name",
      async () => (await TestAuthority.create()).issue({ subject: caller }),
      /not trusted/,
    ],
    [
      "one that signs itself",
      async () => (await TestAuthority.create({ subject: caller })).identity,
      /not trusted/,
    ],
    [
      "one for a server",
      async () => authority.issue({ subject: caller, purpose: "server" }),
      /INVALID_PURPOSE/,
    ],
    [
      "one that was issued by the right caller, who is no authority",
      async () => {
        const issuer = await authority.authorityOf({ subject: caller });
        const { cert, key } = await issuer.issue({ subject: caller });
        return { cert: `${cert}\n${issuer.cert}`, key };
      },
      /not trusted/,
    ],
    ...(
      [
        ["another name", [{ C: ["US"] }, { O: ["Example, Inc."] }, { CN: ["caller2"] }]],
        ["another case", [{ C: ["US"] }, { O: ["Example, Inc."] }, { CN: ["Caller"] }]],
        ["the common name alone", [{ CN: ["caller"] }]],
        ["one part more", [...caller, { OU: ["x"] }]],
        ["another order", caller.toReversed()],
        ["all of it in one part", [{ CN: [callerName] }]],
        ["no name", []],
      ] as const
    ).map(
      ([name, subject]) =>
        [
          `one of ${name}`,
          async () => authority.issue({ subject: subject.map((part) => ({ ...part })) as never }),
          /the subject is/,
        ] as const,
    ),
  ];

  test.each(wrong)("that presents %s", async (_name, identityOf, reason) => {
    const log = new RecordingLog();
    const { call } = await open({ log });
    const identity = await identityOf();
    const paths = [
      [cluster, "PUT"],
      [cluster, "GET"],
      [`${cluster}x`, "DELETE"],
      ["/nowhere", "GET"],
      ["/%ZZ", "POST"],
      ["/docs", "GET"],
      ["/openapi/arm.json", "GET"],
    ] as const;
    for (const [path, method] of paths) {
      const { status, body, headers } = await call(path, {
        method,
        identity,
        headers: { Authorization: "Bearer anything" },
        ...(method === "PUT" ? { body: JSON.stringify(smallestBody) } : {}),
      });
      expect([path, status, body.error?.code]).toEqual([path, 403, "Forbidden"]);
      expect(headers["x-ms-error-code"]).toBe("Forbidden");
      expect(JSON.stringify(body)).not.toMatch(reason);
    }
    const refused = log.records.filter((line) => "refused" in line);
    expect(refused).toHaveLength(paths.length);
    for (const line of refused) expect(line["refused"]).toMatch(reason);
    expect((await call(cluster, { identity: right })).status).toBe(404);
  });
});

test("ARM-118: health is open, and tells yes or no", async () => {
  const { call } = await open();
  for (const path of ["/healthz/live", "/healthz/ready"]) {
    const { status, body } = await call(path);
    expect([status, Object.keys(body)]).toEqual([200, ["status"]]);
  }
});

test("ARM-117: a refusal does not wait for the body, nor ask for it", async () => {
  const { rp } = await open();
  for (const expectation of ["", "Expect: 100-continue\r\n"]) {
    const socket = await handshake(rp.url, {});
    socket.write(
      `PUT ${cluster} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
        `${expectation}Content-Length: 1000\r\n\r\n`,
    );
    const [first] = (await once(socket, "data")) as [Buffer];
    expect(first.toString()).toMatch(/^HTTP\/1\.1 403 /);
    socket.destroy();
  }
});

test("ARM-117: who is let in is asked for the body that it holds back", async () => {
  const { rp } = await open();
  const socket = await handshake(rp.url, { ...right });
  const body = JSON.stringify(smallestBody);
  socket.write(
    `PUT ${cluster} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
      `Expect: 100-continue\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  const [first] = (await once(socket, "data")) as [Buffer];
  expect(first.toString()).toMatch(/^HTTP\/1\.1 100 /);
  socket.write(body);
  let rest = "";
  for await (const chunk of socket) rest += String(chunk);
  expect(rest).toMatch(/^HTTP\/1\.1 201 /);
});

describe("ARM-117: TLS", () => {
  test.each(["TLSv1.2", "TLSv1.3"] as const)("%s is spoken", async (version) => {
    const { call } = await open();
    const { status } = await call(cluster, {
      identity: right,
      minVersion: version,
      maxVersion: version,
    });
    expect(status).toBe(404);
  });

  test("1.1 is refused", async () => {
    const { call } = await open();
    const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1" } as const;
    await expect(
      call(cluster, { identity: right, ...old, ciphers: "DEFAULT@SECLEVEL=0" }),
    ).rejects.toThrow(/alert protocol version/);
  });

  test("without it nobody gets an answer, and the server goes on", async () => {
    const { rp, call } = await open();
    const socket = connectPlain(Number(new URL(rp.url).port), "127.0.0.1");
    socket.write(`GET ${cluster} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    let text = "";
    for await (const chunk of socket) text += (chunk as Buffer).toString("latin1");
    expect(text).not.toContain("HTTP");
    expect((await call(cluster, { identity: right })).status).toBe(404);
  });

  test("a session cannot be taken up again: each connection shows its certificate", async () => {
    const { rp } = await open();
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const sessions: Buffer[] = [];
      const socket = await handshake(rp.url, { ...right, maxVersion: version });
      socket.on("session", (session: Buffer) => sessions.push(session));
      socket.write(`GET ${cluster} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      await once(socket.resume(), "close");
      const session = sessions.at(-1) ?? socket.getSession();
      const again = await handshake(rp.url, {
        maxVersion: version,
        ...(session ? { session } : {}),
      });
      expect(again.isSessionReused()).toBe(false);
      again.write(`GET ${cluster} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      const [answer] = (await once(again, "data")) as [Buffer];
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 403 /);
      again.destroy();
    }
  });

  test("ARM-117: nobody becomes another in the middle of a connection", async () => {
    const { rp } = await open();
    const stranger = await authority.issue({ subject: [{ CN: ["stranger"] }] });
    const socket = await handshake(rp.url, { ...stranger, maxVersion: "TLSv1.2" });
    const { promise, resolve } = Promise.withResolvers<Error | null>();
    socket.once("error", resolve);
    socket.renegotiate({ rejectUnauthorized: false }, resolve);
    expect((await promise)?.message).toMatch(/renegotiation/i);
    socket.destroy();
  });

  test("a handshake that never goes on does not keep the server from stopping", async () => {
    const { rp } = await open();
    const socket = connectPlain(Number(new URL(rp.url).port), "127.0.0.1");
    socket.on("error", () => {
      // reset by the stop
    });
    await once(socket, "connect");
    // a begun record; the server has the connection once it has read of it
    socket.write(Buffer.from([0x16, 0x03, 0x01]));
    expect((await fetchHealth(rp.url)).status).toBe(200);
    const closed = once(socket, "close");
    const begunAt = systemClock.monotonic();
    await rp[Symbol.asyncDispose]();
    await closed;
    // sooner than the handshake is given up
    expect(systemClock.monotonic() - begunAt).toBeLessThan(12_000);
  });
});

describe("what changes while connections stay open", () => {
  test("ARM-117: a certificate that expires is refused from then on", async () => {
    const clock = new TestClock(Date.now());
    const { call } = await open({ clock });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    expect((await call(cluster, { identity: right, agent })).status).toBe(404);
    clock.skip(2 * hourMs);
    expect((await call(cluster, { identity: right, agent })).status).toBe(403);
    clock.skip(-4 * hourMs);
    expect((await call(cluster, { identity: right, agent })).status).toBe(403);
  });

  test("ARM-117: other authorities count at once, also on open connections", async () => {
    const clock = new TestClock(Date.now());
    const { call, credentials, folder } = await open({ clock });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    expect((await call(cluster, { identity: right, agent })).status).toBe(404);
    const other = await TestAuthority.create();
    writeTlsFiles(folder.path, server, other.cert);
    const changed = new Promise<void>((resolve) => credentials.onChanged(resolve));
    const stop = new AbortController();
    const watching = credentials.watch(stop.signal);
    await clock.advance(10_000);
    await changed;
    expect((await call(cluster, { identity: right })).status).toBe(403);
    expect((await call(cluster, { identity: right, agent })).status).toBe(403);
    const renewed = await other.issue({ subject: caller });
    expect((await call(cluster, { identity: renewed })).status).toBe(404);
    stop.abort();
    await watching;
  });

  test("ARM-117: what is under way when the authorities change is asked to come again", async () => {
    const clock = new TestClock(Date.now());
    const { rp, credentials, folder } = await open({ clock });
    const socket = await handshake(rp.url, { ...right });
    // half a request, so that the connection is not idle
    socket.write(`GET ${cluster} HTTP/1.1\r\nHost: localhost\r\n`);
    expect((await fetchHealth(rp.url)).status).toBe(200);
    writeTlsFiles(folder.path, server, `${authority.cert}${(await TestAuthority.create()).cert}`);
    const changed = new Promise<void>((resolve) => credentials.onChanged(resolve));
    const stop = new AbortController();
    const watching = credentials.watch(stop.signal);
    await clock.advance(10_000);
    await changed;
    socket.write("\r\n");
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 503 /);
    expect(text).toMatch(/^Connection: close\r$/im);
    expect(text).toMatch(/^Retry-After: 1\r$/im);
    stop.abort();
    await watching;
  });
});

async function fetchHealth(url: string) {
  return callOverTls(`${url}/healthz/live`, { ca: serverAuthority.cert });
}

/** A connection on which the handshake has ended. */
async function handshake(url: string, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({
    port: Number(new URL(url).port),
    host: "127.0.0.1",
    servername: "localhost",
    ca: serverAuthority.cert,
    ...options,
  });
  await once(socket, "secureConnect");
  return socket;
}
