/** What the listeners of one process ask of their callers in handshakes: each what its own authenticator needs, over real sockets. */
import { once } from "node:events";
import { connect as connectPlain } from "node:net";
import { Duplex } from "node:stream";
import { connect } from "node:tls";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { Authentication } from "../../src/listener/authentication.ts";
import type { ListenerAuth } from "../../src/listener/authenticationSettings.ts";
import { HttpServer } from "../../src/listener/httpServer.ts";
import { systemIds } from "../../src/runtime/ids.ts";
import { temporaryFolder } from "../process/rpProcess.ts";
import { TestClock } from "../runtime/testClock.ts";
import { RecordingLog } from "./recordingLog.ts";
import { TestAuthority, writeTlsFiles, type Identity } from "./testAuthority.ts";
import { callOverTls } from "./tlsCaller.ts";

const arm: ListenerAuth = { kind: "arm", metadataUrl: "http://127.0.0.1/" };
const operators: ListenerAuth = { kind: "client-certificate", subject: "CN=operator" };

let authority: TestAuthority;
let other: TestAuthority;
let server: Identity;

beforeAll(async () => {
  authority = await TestAuthority.create({
    subject: [{ CN: ["operators"] }],
    purpose: "authority",
  });
  other = await TestAuthority.create({
    subject: [{ CN: ["other operators"] }],
    purpose: "authority",
  });
  server = await authority.issue({ subject: [{ CN: ["localhost"] }], purpose: "server" });
});

/** Two listeners that answer 200 to whom they let in. */
async function open() {
  const clock = new TestClock(Date.now());
  const log = new RecordingLog();
  const folder = temporaryFolder();
  const authentication = await Authentication.open({
    auths: [arm, operators],
    tls: writeTlsFiles(folder.path, server, authority.cert),
    clock,
    log,
    fetch: async () => Promise.reject(new Error("nobody answers")),
  });
  const listen = async (auth: ListenerAuth): Promise<HttpServer> => {
    const { authenticator, tls } = authentication.of(auth);
    return HttpServer.listen(
      (request, response) => {
        const judgement = authenticator.judge(request);
        response.statusCode = "refusal" in judgement ? judgement.refusal.status : 200;
        response.end();
      },
      {
        host: "127.0.0.1",
        port: 0,
        clock,
        ids: systemIds,
        log,
        tls,
        limits: readConfig({}).limits.connection,
      },
    );
  };
  const [armListener, operatorListener] = [await listen(arm), await listen(operators)];
  const halt = new AbortController();
  const running = authentication.run(halt.signal);
  onTestFinished(async () => {
    halt.abort();
    await running;
    for (const listener of [armListener, operatorListener]) {
      const stopped = listener.stop(1_000);
      await clock.advance(1_000);
      await stopped;
    }
    folder[Symbol.dispose]();
  });
  return { clock, log, folder, armListener, operatorListener };
}

test("ARM-117: ARM is told no authority, so that it shows its certificate, and operators are told theirs", async () => {
  const { armListener, operatorListener, folder, clock, log } = await open();
  const names = async (): Promise<string[]> =>
    Promise.all([authoritiesAsked(armListener.url), authoritiesAsked(operatorListener.url)]);
  const [forArm, forOperators] = await names();
  expect(forArm).toBe("");
  expect(forOperators).toMatch(/operators$/);
  expect(forOperators).not.toContain("other");

  writeTlsFiles(folder.path, server, other.cert);
  await clock.advance(10_000);
  await log.logged(/have changed/);
  const [forArmThen, forOperatorsThen] = await names();
  expect(forArmThen).toBe("");
  expect(forOperatorsThen).toMatch(/other operators$/);
});

test("ARM-117: other authorities count for operators, and change nothing for ARM", async () => {
  const { armListener, operatorListener, folder, clock, log } = await open();
  const subject = [{ CN: ["operator"] }];
  const [before, after] = [await authority.issue({ subject }), await other.issue({ subject })];
  const call = async ({ url }: HttpServer, identity: Identity): Promise<number> =>
    (await callOverTls(url, { ca: authority.cert, identity })).status;
  const statuses = async (): Promise<number[]> => [
    await call(operatorListener, before),
    await call(operatorListener, after),
    // whose certificates are ARM's is not known
    await call(armListener, before),
    await call(armListener, after),
  ];
  expect(await statuses()).toEqual([200, 403, 503, 503]);
  writeTlsFiles(folder.path, server, other.cert);
  await clock.advance(10_000);
  await log.logged(/have changed/);
  expect(await statuses()).toEqual([403, 200, 503, 503]);
});

/**
 * The names of authorities in the server's CertificateRequest, as they came (RFC 5246, 7.4.4): in TLS 1.2 it is not encrypted.
 *
 * @throws {TypeError} when the server asked for no certificate.
 */
async function authoritiesAsked(url: string): Promise<string> {
  const plain = connectPlain(Number(new URL(url).port), "127.0.0.1");
  const received: Buffer[] = [];
  const recording = new Duplex({
    read() {},
    write: (chunk: Buffer, _encoding, written) => void plain.write(chunk, written),
  });
  plain.on("data", (chunk: Buffer) => {
    received.push(chunk);
    recording.push(chunk);
  });
  const secure = connect({
    socket: recording,
    servername: "localhost",
    ca: authority.cert,
    maxVersion: "TLSv1.2",
  });
  await once(secure, "secureConnect");
  plain.destroy();
  const messages = handshakeOf(Buffer.concat(received));
  for (let at = 0; at < messages.length;) {
    const end = at + 4 + messages.readUIntBE(at + 1, 3);
    if (messages[at] === certificateRequest) {
      const types = at + 4;
      const algorithms = types + 1 + messages.readUInt8(types);
      const names = algorithms + 2 + messages.readUInt16BE(algorithms);
      expect(names + 2 + messages.readUInt16BE(names)).toBe(end);
      return messages.toString("latin1", names + 2, end);
    }
    at = end;
  }
  throw new TypeError("the server asked for no certificate");
}

const certificateRequest = 13;

/** What the records say before the encryption begins. */
function handshakeOf(records: Buffer): Buffer {
  const [handshakeType, headerBytes] = [22, 5];
  const fragments: Buffer[] = [];
  for (let at = 0; records[at] === handshakeType;) {
    const end = at + headerBytes + records.readUInt16BE(at + 3);
    fragments.push(records.subarray(at + headerBytes, end));
    at = end;
  }
  return Buffer.concat(fragments);
}
