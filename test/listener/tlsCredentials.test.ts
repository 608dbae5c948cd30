/** Certificate, key and authorities as files: what is refused at the start, and how they are exchanged while the server runs. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmodSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { once } from "node:events";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import type { TlsFiles } from "../../src/listener/authenticationSettings.ts";
import { HttpServer } from "../../src/listener/httpServer.ts";
import { TlsCredentials } from "../../src/listener/tlsCredentials.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemIds } from "../../src/runtime/ids.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { temporaryFolder } from "../process/rpProcess.ts";
import { TestClock } from "../runtime/testClock.ts";
import { RecordingLog } from "./recordingLog.ts";
import { TestAuthority, writeTlsFiles, type Identity } from "./testAuthority.ts";

let authority: TestAuthority;
let [first, second]: Identity[] = [];
const subject = [{ CN: ["localhost"] }];

beforeAll(async () => {
  authority = await TestAuthority.create();
  first = await authority.issue({ subject, purpose: "server" });
  second = await authority.issue({ subject, purpose: "server" });
});

function folderOf(identity: Identity | undefined, authorities: string = authority.cert) {
  const folder = temporaryFolder();
  onTestFinished(() => folder[Symbol.dispose]());
  if (identity === undefined) throw new TypeError("there is no identity");
  return { folder: folder.path, files: writeTlsFiles(folder.path, identity, authorities) };
}

describe("at the start", () => {
  const faults = async (
    change: (files: ReturnType<typeof folderOf>["files"]) => void | Promise<void>,
  ): Promise<string> => {
    const { files } = folderOf(first);
    await change(files);
    try {
      await TlsCredentials.read(files, { clock: systemClock, log: silentLog });
    } catch (error) {
      const { name, message } = error as Error;
      expect(name).toBe("TlsFilesError");
      const key = readKey(files.keyFile);
      for (const line of key) expect(message).not.toContain(line);
      return message;
    }
    return "";
  };

  test("what fits together is taken", async () => {
    expect(await faults(() => {})).toBe("");
    // with the chain behind the certificate, and text between them as tools write it
    expect(
      await faults(({ certFile }) => {
        writeFileSync(certFile, `Bag Attributes\n${first?.cert}\nsubject=x\n${authority.cert}`);
      }),
    ).toBe("");
  });

  test.each([0o600, 0o440, 0o640, 0o644, 0o660])(
    "a key with the rights %o is taken, and told of if others may read it",
    async (mode) => {
      const { files } = folderOf(first);
      chmodSync(files.keyFile, mode);
      const log = new RecordingLog();
      await TlsCredentials.read(files, { clock: systemClock, log });
      const told = log.records.map(({ level, mode: is }) => [level, is]);
      expect(told).toEqual(mode === 0o644 || mode === 0o660 ? [["warn", mode.toString(8)]] : []);
    },
  );

  test("every fault is told at once, by its setting", async () => {
    const message = await faults(({ certFile, keyFile, clientCaFile }) => {
      rmSync(certFile);
      writeFileSync(keyFile, "no key");
      writeFileSync(clientCaFile, "");
    });
    expect(message.split("\n").map((line) => line.split(":")[0])).toEqual(
      expect.arrayContaining(["TLS_CERT_FILE", "TLS_KEY_FILE", "CLIENT_CA_FILE"]),
    );
    expect(message).toContain("ENOENT");
  });

  test.each<
    [string, (files: ReturnType<typeof folderOf>["files"]) => Promise<void> | void, RegExp]
  >([
    [
      "a key of another certificate",
      ({ keyFile }) => writeFileSync(keyFile, second?.key ?? ""),
      /^TLS_KEY_FILE: the key is not that of the certificate/,
    ],
    [
      "an encrypted key",
      ({ keyFile }) =>
        writeFileSync(
          keyFile,
          createPrivateKey(first?.key ?? "").export({
            type: "pkcs8",
            format: "pem",
            cipher: "aes-256-cbc",
            passphrase: "x",
          }),
        ),
      /^TLS_KEY_FILE: there is no private key .* not encrypted$/,
    ],
    [
      "certificate and key in each other's place",
      ({ certFile, keyFile }) => {
        writeFileSync(certFile, first?.key ?? "");
        writeFileSync(keyFile, first?.cert ?? "");
      },
      /^TLS_CERT_FILE: there is no certificate[^]*TLS_KEY_FILE: there is no private key/,
    ],
    [
      "a certificate that has expired",
      async ({ certFile, keyFile }) => {
        const old = await authority.issue({ subject, notAfter: new Date(Date.now() - 1_000) });
        writeFileSync(certFile, old.cert);
        writeFileSync(keyFile, old.key);
      },
      /^TLS_CERT_FILE: the certificate was valid until 20/,
    ],
    [
      "one that is not valid yet",
      async ({ certFile, keyFile }) => {
        const early = await authority.issue({
          subject,
          notBefore: new Date(Date.now() + 60_000),
        });
        writeFileSync(certFile, early.cert);
        writeFileSync(keyFile, early.key);
      },
      /^TLS_CERT_FILE: the certificate is valid only from 20/,
    ],
    [
      "authorities among which is none",
      ({ clientCaFile }) => writeFileSync(clientCaFile, `${authority.cert}${first?.cert}`),
      /^CLIENT_CA_FILE: not every certificate in the file is an authority's$/,
    ],
    [
      "authorities that have all expired",
      async ({ clientCaFile }) => {
        const notAfter = new Date(Date.now() - 1_000);
        const old = await TestAuthority.create({ subject, purpose: "authority", notAfter });
        writeFileSync(clientCaFile, old.cert);
      },
      /^CLIENT_CA_FILE: no certificate in the file is valid now$/,
    ],
    [
      "authorities cut in the middle",
      ({ clientCaFile }) =>
        writeFileSync(clientCaFile, `${authority.cert}${authority.cert.replace(/\n.{30}/, "\n")}`),
      /^CLIENT_CA_FILE: there is no certificate/,
    ],
  ])("%s", async (_name, change, fault) => {
    expect(await faults(change)).toMatch(fault);
  });
});

describe("while the server runs", () => {
  async function running(files: TlsFiles) {
    const clock = new TestClock(Date.now());
    const log = new RecordingLog();
    const tls = await TlsCredentials.read(files, { clock, log });
    const server = await HttpServer.listen((_request, response) => void response.end(), {
      host: "127.0.0.1",
      port: 0,
      clock,
      ids: systemIds,
      log,
      tls,
      limits: readConfig({}).limits.connection,
    });
    const stop = new AbortController();
    const watching = tls.watch(stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await watching;
      const stopped = server.stop(1_000);
      await clock.advance(1_000);
      await stopped;
    });
    const shown = async (): Promise<string> => {
      const socket = connect({
        port: Number(new URL(server.url).port),
        host: "127.0.0.1",
        servername: "localhost",
        ca: authority.cert,
      });
      await once(socket, "secureConnect");
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      return certificate?.fingerprint256 ?? "";
    };
    return { clock, log, shown };
  }
  const fingerprint = (identity: Identity | undefined): string =>
    new X509Certificate(identity?.cert ?? "").fingerprint256;

  test("ARM-117: a certificate and key that were replaced are shown to new connections", async () => {
    const { folder, files } = folderOf(first);
    const { clock, log, shown } = await running(files);
    expect(await shown()).toBe(fingerprint(first));
    writeTlsFiles(folder, second as Identity);
    await clock.advance(10_000);
    await log.logged(/have changed/);
    expect(await shown()).toBe(fingerprint(second));
  });

  test("so are those behind a link that was swapped, as Kubernetes does it", async () => {
    const before = folderOf(first);
    const after = folderOf(second);
    const { folder } = folderOf(first);
    const link = join(folder, "current");
    symlinkSync(before.folder, link);
    const { clock, log, shown } = await running({
      certFile: join(link, "server.crt"),
      keyFile: join(link, "server.key"),
      clientCaFile: join(link, "clients.crt"),
    });
    symlinkSync(after.folder, `${link}.new`);
    renameSync(`${link}.new`, link);
    await clock.advance(10_000);
    await log.logged(/have changed/);
    expect(await shown()).toBe(fingerprint(second));
  });

  test("that the certificate ends within a week is told once, and that it has ended too", async () => {
    const dayMs = 24 * 3_600_000;
    const notAfter = new Date(Date.now() + 8 * dayMs);
    const { files } = folderOf(await authority.issue({ subject, purpose: "server", notAfter }));
    rmSync(files.clientCaFile);
    const { certFile, keyFile } = files;
    const { clock, log } = await running({ certFile, keyFile });
    const looked = async (aheadMs: number): Promise<void> => {
      clock.skip(aheadMs);
      for (let look = 0; look < 3; look += 1) {
        await clock.advance(10_000);
        // until the files have been read, and the next look is waited for
        await expect.poll(() => clock.sleeping).toBe(1);
      }
    };
    await looked(0);
    expect(log.records).toEqual([]);
    await looked(2 * dayMs);
    await log.logged(/ends soon/);
    await looked(0);
    await looked(7 * dayMs);
    await log.logged(/of no use now/);
    expect(log.records.map(({ level }) => level)).toEqual(["warn", "warn"]);
  });

  test("half of a pair changes nothing, is told once, and the other half mends it", async () => {
    const { folder, files } = folderOf(first);
    const { clock, log, shown } = await running(files);
    writeFileSync(files.certFile, second?.cert ?? "");
    await clock.advance(10_000);
    const [warning] = await log.logged(/of no use/);
    expect(warning).toMatchObject({
      level: "warn",
      reason: "TLS_KEY_FILE: the key is not that of the certificate in TLS_CERT_FILE",
    });
    expect(await shown()).toBe(fingerprint(first));
    rmSync(files.clientCaFile);
    await clock.advance(10_000);
    await log.logged(/of no use/, 2);
    writeTlsFiles(folder, second as Identity, authority.cert);
    await clock.advance(10_000);
    await log.logged(/have changed/);
    expect(await shown()).toBe(fingerprint(second));
    expect(await log.logged(/of no use/)).toHaveLength(2);
  });

  test("a fault of our own is logged and ends nothing: the next look goes on", async () => {
    const { folder, files } = folderOf(first);
    const clock = new TestClock(Date.now());
    const log = new RecordingLog();
    const fault = new Error("out of memory");
    let isBroken = false;
    const tls = await TlsCredentials.read(files, {
      clock: {
        now: () => {
          if (isBroken) throw fault;
          return clock.now();
        },
        monotonic: () => clock.monotonic(),
        sleep: async (...given) => clock.sleep(...given),
        timer: (...given) => clock.timer(...given),
      },
      log,
    });
    const told: string[] = [];
    tls.onChanged(() => {
      throw fault;
    });
    tls.onChanged(() => told.push(tls.identity.cert));
    const stop = new AbortController();
    const watching = tls.watch(stop.signal);
    isBroken = true;
    await clock.advance(10_000);
    expect(await log.logged(/looking at the files/)).toMatchObject([
      { level: "error", error: fault },
    ]);
    isBroken = false;
    writeTlsFiles(folder, second as Identity);
    await clock.advance(10_000);
    expect(await log.logged(/could not take up/)).toMatchObject([{ level: "error", error: fault }]);
    await log.logged(/have changed/);
    expect(told).toEqual([second?.cert]);
    stop.abort();
    await watching;
  });
});

function readKey(path: string): readonly string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.length > 20 && !line.startsWith("-----"));
}
