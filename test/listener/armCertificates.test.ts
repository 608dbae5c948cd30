/** ARM's certificates as its metadata endpoint gives them, whatever else that does, and who gets in by them. */
import { X509Certificate } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ArmCertificates } from "../../src/listener/armCertificates.ts";
import { TlsCredentials } from "../../src/listener/tlsCredentials.ts";
import { clusterPath, StartedRp } from "../frontend/startedRp.ts";
import { temporaryFolder } from "../process/rpProcess.ts";
import { TestClock } from "../runtime/testClock.ts";
import { RecordingLog } from "./recordingLog.ts";
import { TestAuthority, writeTlsFiles, type Identity } from "./testAuthority.ts";
import { callOverTls } from "./tlsCaller.ts";

const hourMs = 3_600_000;
const cluster = `${clusterPath("c")}?api-version=2019-12-31-preview`;
const subject = [{ CN: ["arm.example"] }];

let authority: TestAuthority;
let server: Identity;
let [arm, next, other]: Identity[] = [];

beforeAll(async () => {
  authority = await TestAuthority.create();
  server = await authority.issue({ subject: [{ CN: ["localhost"] }], purpose: "server" });
  const days = { notAfter: new Date(Date.now() + 100 * hourMs) };
  arm = await authority.issue({ subject, ...days });
  next = await authority.issue({ subject, ...days });
  // same name, same authority
  other = await authority.issue({ subject, ...days });
});

interface Entry {
  readonly identity: Identity | undefined;
  readonly notBefore?: string;
  readonly notAfter?: string;
}

/** The form of the endpoint's document. */
function documentOf(...entries: readonly Entry[]): string {
  return JSON.stringify({
    clientCertificates: entries.map(({ identity, notBefore, notAfter }) => {
      const certificate = new X509Certificate(identity?.cert ?? "");
      return {
        thumbprint: certificate.fingerprint.replaceAll(":", ""),
        notBefore: notBefore ?? certificate.validFromDate.toISOString(),
        notAfter: notAfter ?? certificate.validToDate.toISOString(),
        certificate: certificate.raw.toString("base64"),
      };
    }),
  });
}

type Script = RequestListener | string;

/** Time stands still while the endpoint is asked, unless it hangs. */
async function open(script: Script, { hangs = false } = {}) {
  let now = script;
  const asked: string[] = [];
  const endpoint = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (typeof now === "function") now(request, response);
    else response.setHeader("Content-Type", "application/json").end(now);
  });
  await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
  const { port } = endpoint.address() as AddressInfo;
  const log = new RecordingLog();
  const clock = new TestClock(Date.now());
  let begun = 0;
  if (!hangs) {
    const isEnd = /were fetched|could not be fetched/;
    clock.holdWhile(
      () => begun > log.records.filter(({ message }) => isEnd.test(String(message))).length,
    );
  }
  const certificates = new ArmCertificates({
    metadataUrl: `http://127.0.0.1:${port}/metadata?api-version=2015-01-01`,
    fetch: async (url, options) => {
      begun += 1;
      return fetch(url, options);
    },
    clock,
    log,
  });
  const folder = temporaryFolder();
  const { certFile, keyFile } = writeTlsFiles(folder.path, server);
  const rp = await StartedRp.start({
    tls: await TlsCredentials.read({ certFile, keyFile }, { clock, log }),
    authenticator: certificates,
    log,
  });
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  onTestFinished(async () => {
    stop.abort();
    await running;
    endpoint.closeAllConnections();
    endpoint.close();
    await rp[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });
  return {
    log,
    clock,
    certificates,
    asked,
    run: () => (running = certificates.run(stop.signal)),
    answer: (script: Script) => (now = script),
    fetched: async (times = 1) => log.logged(/were fetched/, times),
    failed: async (times = 1) => log.logged(/could not be fetched/, times),
    statusFor: async (identity?: Identity): Promise<number> => {
      const { status } = await callOverTls(`${rp.url}${cluster}`, { ca: authority.cert, identity });
      return status;
    },
  };
}

test("ARM-117: only who presents a certificate that the endpoint gives is let in", async () => {
  const { run, fetched, certificates, statusFor, asked } = await open(
    documentOf({ identity: arm }),
  );
  expect(certificates.isReady).toBe(false);
  expect(await statusFor(arm)).toBe(503);
  expect(await statusFor()).toBe(403);
  void run();
  await fetched();
  expect(certificates.isReady).toBe(true);
  expect(await statusFor(arm)).toBe(404);
  expect(await statusFor(other)).toBe(403);
  expect(await statusFor()).toBe(403);
  expect(asked).toEqual(["/metadata?api-version=2015-01-01"]);
});

test("ARM-117: during a rotation both count, afterwards the new one alone; it is asked every hour", async () => {
  const { run, fetched, clock, statusFor, answer } = await open(documentOf({ identity: arm }));
  void run();
  await fetched();
  expect([await statusFor(arm), await statusFor(next)]).toEqual([404, 403]);
  answer(documentOf({ identity: arm }, { identity: next }));
  await clock.advance(hourMs - 1);
  expect([await statusFor(arm), await statusFor(next)]).toEqual([404, 403]);
  await clock.advance(1);
  await fetched(2);
  expect([await statusFor(arm), await statusFor(next)]).toEqual([404, 404]);
  answer(documentOf({ identity: next }));
  await clock.advance(hourMs);
  await fetched(3);
  expect([await statusFor(arm), await statusFor(next)]).toEqual([403, 404]);
});

test("ARM-117: a certificate counts between the times of the document and its own", async () => {
  const at = (ms: number): string => new Date(Date.now() + ms).toISOString();
  const { run, fetched, clock, statusFor, log } = await open(
    documentOf(
      { identity: arm, notAfter: at(hourMs / 2) },
      { identity: next, notBefore: at(hourMs / 2).replace("Z", "0000Z") },
    ),
  );
  void run();
  await fetched();
  expect([await statusFor(arm), await statusFor(next)]).toEqual([404, 403]);
  clock.skip(0.6 * hourMs);
  expect([await statusFor(arm), await statusFor(next)]).toEqual([403, 404]);
  expect(log.records.some(({ refused }) => /not one that ARM uses now/.test(String(refused)))).toBe(
    true,
  );
});

test("ARM-117: what was fetched counts for 24 hours, then nobody is let in until it is fetched again", async () => {
  const { run, fetched, failed, clock, certificates, statusFor, answer } = await open(
    documentOf({ identity: arm }),
  );
  void run();
  await fetched();
  const fetchedAt = clock.monotonic();
  answer((_request, response) => response.writeHead(500).end());
  let failures = 0;
  while (clock.monotonic() - fetchedAt < 24 * hourMs - 600_000) {
    await clock.advance(600_000);
    if (clock.monotonic() - fetchedAt >= hourMs) await failed((failures += 1));
  }
  expect(certificates.isReady).toBe(true);
  expect(await statusFor(arm)).toBe(404);
  clock.skip(24 * hourMs - (clock.monotonic() - fetchedAt));
  expect(certificates.isReady).toBe(true);
  clock.skip(1);
  expect(certificates.isReady).toBe(false);
  expect(await statusFor(arm)).toBe(503);
  expect(await statusFor()).toBe(403);
  answer(documentOf({ identity: arm }));
  await clock.advance(600_000);
  await fetched(2);
  expect(await statusFor(arm)).toBe(404);
});

describe("ARM-117: a bad answer is none", () => {
  const elsewhere: RequestListener = ({ url }, response) => {
    if (url === "/elsewhere") response.end(documentOf({ identity: arm }));
    else response.writeHead(302, { Location: "/elsewhere" }).end();
  };
  const bad: readonly (readonly [string, () => Script, RegExp])[] = [
    ["500", () => (_request, response) => response.writeHead(500).end("{}"), /500/],
    ["204", () => (_request, response) => response.writeHead(204).end(), /204/],
    ["a redirect", () => elsewhere, /redirect|fetch failed/],
    ["nothing", () => "", /not JSON/],
    ["half a document", () => documentOf({ identity: arm }).slice(0, -10), /not JSON/],
    ["null", () => "null", /form expected/],
    ["no certificates", () => '{"clientCertificates":[]}', /form expected/],
    [
      "a certificate that is none",
      () =>
        documentOf({ identity: arm }, { identity: next }).replace(
          /"certificate":"M/,
          '"certificate":"N',
        ),
      /cannot be read/,
    ],
    ["a time that is none", () => documentOf({ identity: arm, notAfter: "soon" }), /form expected/],
    [
      "more than anybody needs",
      () => (_request, response) => {
        response.writeHead(200);
        const more = (): void => {
          while (!response.destroyed && response.write(" ".repeat(65_536)));
        };
        response.on("drain", more);
        more();
      },
      /more than/,
    ],
    [
      "a connection that is cut",
      () => (_request, response) => {
        response.writeHead(200, { "Content-Length": "1000" });
        response.write("{", () => response.destroy());
      },
      /terminated|aborted/,
    ],
  ];

  test.each(bad)(
    "%s: what was known before stays, and it is asked again soon",
    async (_name, script, reason) => {
      const { run, fetched, failed, clock, statusFor, answer, asked } = await open(
        documentOf({ identity: arm }),
      );
      void run();
      await fetched();
      answer(script());
      await clock.advance(hourMs);
      const [failure] = await failed();
      expect(`${String(failure?.["reason"])} ${String(failure?.["error"])}`).toMatch(reason);
      expect(await statusFor(arm)).toBe(404);
      expect(asked).not.toContain("/elsewhere");
      answer(documentOf({ identity: next }));
      await clock.advance(20_000);
      await fetched(2);
      expect([await statusFor(arm), await statusFor(next)]).toEqual([403, 404]);
    },
  );

  test("one that never comes is given up, and so is one that never ends", async () => {
    const { run, failed, clock, answer, asked, fetched } = await open(noAnswer, { hangs: true });
    void run();
    await until(() => asked.length === 1);
    await clock.advance(20_000);
    await failed();
    answer((_request, response) => response.writeHead(200).write("{"));
    await clock.advance(20_000);
    await until(() => asked.length === 2);
    await clock.advance(20_000);
    const [, second] = await failed(2);
    expect(second).toMatchObject({ reason: "there was no answer within 20 s", isReady: false });
    answer(documentOf({ identity: arm }));
    await clock.advance(40_000);
    await fetched();
  });
});

test("a stop ends a fetch that is under way", async () => {
  const { certificates, asked } = await open(noAnswer, { hangs: true });
  const stop = new AbortController();
  const running = certificates.run(stop.signal);
  await until(() => asked.length === 1);
  stop.abort();
  await expect(running).resolves.toBeUndefined();
});

function noAnswer(): void {
  // the connection stays open
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
