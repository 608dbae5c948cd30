/**
 * What the image does, without a container: its Dockerfile's copies and installation are carried out in an empty folder, and
 * what it starts is started there, on a read-only file system and as the user that it names: on the embedded engine and, with
 * nothing at all to write to, on stand-ins of the Azure engines.
 */
import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { AzurePeers } from "../process/azurePeers.ts";
import { announceSubscription, putCluster, untilState } from "../process/clusterCalls.ts";
import { canMount, privateMounts } from "../slow/privateMounts.ts";
import { defaultSecretName } from "../../src/store/sealingSettings.ts";
import { keyVaultHost, keyVaultResource, startKeyVaultPeer } from "../store/keyVaultPeer.ts";
import { issueCertificate } from "../store/peerCertificate.ts";
import {
  dockerfileText,
  environmentOf,
  execForm,
  onlyInstruction,
  stagesOf,
  wordsOf,
  type Stage,
} from "./dockerfile.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const [install, image] = stagesOf(dockerfileText) as [Stage, Stage];
const isRoot = process.getuid?.() === 0;
const [uid = 0, gid = 0] = (wordsOf(onlyInstruction(image, "USER"))[0] ?? "")
  .split(":")
  .map(Number);

/** Holds `app`, which is the image's `/app`, and `data`, its `/data`. */
let folder: string;
let app: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "rp-image-"));
  // as another user must get in
  chmodSync(folder, 0o755);
  app = join(folder, "app");
  mkdirSync(app);
  mkdirSync(join(folder, "data"));
  for (const instruction of install.instructions) {
    if (instruction.getKeyword() === "COPY") {
      const words = wordsOf(instruction);
      const to = words.at(-1) ?? "";
      for (const from of words.slice(0, -1)) {
        const isFolder = to.endsWith("/");
        cpSync(join(root, from), join(app, to, isFolder ? (from.split("/").at(-1) ?? "") : ""), {
          recursive: true,
        });
      }
    } else if (instruction.getKeyword() === "RUN") {
      // with this machine's environment, which may say where packages come from
      await promisify(execFile)("sh", ["-c", instruction.getArgumentsContent() ?? ""], {
        cwd: app,
        timeout: 580_000,
      });
    }
  }
}, 600_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly errors: () => string;
  readonly ended: Promise<number | null>;
  /** All that it has logged so far. */
  readonly log: readonly Record<string, unknown>[];
  /** What it logged when it began to run; nothing if it ended instead. */
  readonly started: Promise<Record<string, unknown> | undefined>;
}

/** The environment of the image, with its paths being those of the folder. */
function environment(settings: Readonly<Record<string, string>>): Record<string, string> {
  const { PATH = "", DATA_DIR = "", ...others } = environmentOf(image);
  return {
    ...others,
    PATH: PATH.replace("/app", app),
    DATA_DIR: join(folder, DATA_DIR),
    PORT: "0",
    ADMIN_PORT: "0",
    ...settings,
  };
}

/** What others can't read becomes the process's own. */
function handOver(path: string): void {
  if (!isRoot) return;
  chownSync(dirname(path), uid, gid);
  chownSync(path, uid, gid);
}

/**
 * @param options.writable whether its data folder can be written: nothing else ever is.
 * @param options.hosts names that it finds on this machine.
 */
function start(
  settings: Readonly<Record<string, string>>,
  options: { readonly writable: boolean; readonly hosts?: readonly string[] },
): Running {
  const command = execForm(onlyInstruction(image, "ENTRYPOINT")) ?? [];
  const { hosts = [] } = options;
  const hostsFile = join(folder, "hosts");
  writeFileSync(hostsFile, `127.0.0.1 ${["localhost", ...hosts].join(" ")}\n`);
  const script = [
    ...(hosts.length > 0 ? ['mount --bind "$0/hosts" /etc/hosts'] : []),
    ...(options.writable
      ? [`mount -t tmpfs -o mode=0700${isRoot ? `,uid=${uid},gid=${gid}` : ""} tmpfs "$0/data"`]
      : []),
    "mount -o remount,bind,ro /",
    'cd "$0/app"',
    // elsewhere the user is none that could become another
    `exec ${
      isRoot
        ? `setpriv --reuid=${uid} --regid=${gid} --clear-groups --no-new-privs --bounding-set=-all`
        : ""
    } "$@"`,
  ].join(" && ");
  const [file = "", ...mounts] = privateMounts;
  const child = spawn(file, [...mounts, "sh", "-c", script, folder, ...command], {
    env: environment(settings),
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += String(chunk)));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const log: Record<string, unknown>[] = [];
  const started = new Promise<Record<string, unknown> | undefined>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const record = JSON.parse(line) as Record<string, unknown>;
      log.push(record);
      if (record["version"] !== undefined) resolve(record);
    });
    void ended.then(() => resolve(undefined));
  });
  return { child, errors: () => errors, ended, log, started };
}

/** The exit code of the image's health check. */
async function health(settings: Readonly<Record<string, string>>): Promise<number> {
  const [name = "", ...args] = execForm(onlyInstruction(image, "HEALTHCHECK")) ?? [];
  return new Promise((resolve) => {
    execFile(name, args, { cwd: app, env: environment(settings) }, (error) =>
      resolve(typeof error?.code === "number" ? error.code : 0),
    );
  });
}

function factsOf({ child }: Running): { readonly uids: string; readonly rootMount: string } {
  const facts = (name: string): string => readFileSync(`/proc/${child.pid}/${name}`, "utf8");
  return {
    uids: /^Uid:\s+(.*)$/m.exec(facts("status"))?.[1] ?? "",
    rootMount: / \/ \/ (\S+)/.exec(facts("mountinfo"))?.[1] ?? "",
  };
}

test("it holds what the program needs to run, and nothing to build it", () => {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(app, "package.json"), "utf8"),
  ) as Record<"dependencies" | "devDependencies", Record<string, string>>;
  const isThere = (name: string): boolean => existsSync(join(app, "node_modules", name));
  expect(Object.keys(dependencies).filter((name) => !isThere(name))).toEqual([]);
  const unwanted = ["typescript", "vitest", "@typespec/compiler", "oxlint", "dockerfile-ast"];
  expect(Object.keys(devDependencies)).toEqual(expect.arrayContaining(unwanted));
  expect(unwanted.filter(isThere)).toEqual([]);
  const version = execFileSync("node", ["--version"], { env: environment({}), encoding: "utf8" });
  expect(version.trim()).toBe(`v${dependencies["node"]}`);
});

test.runIf(canMount())("a frontend on a read-only file system: ready, then stopped", async () => {
  const rp = start({ ROLES: "frontend" }, { writable: true });
  const record = await rp.started;
  expect(record, rp.errors()).toBeDefined();
  const port = new URL(String(record?.["url"])).port;
  expect(await health({ PORT: port })).toBe(0);
  const { uids, rootMount } = factsOf(rp);
  if (isRoot) expect(uids).toBe("10001\t10001\t10001\t10001");
  expect(rootMount.split(",")).toContain("ro");
  const docs = await fetch(`http://127.0.0.1:${port}/docs`);
  expect(docs.status).toBe(200);
  rp.child.kill("SIGTERM");
  expect(await rp.ended).toBe(0);
  expect(await health({ PORT: port })).toBe(1);
});

test.runIf(canMount()).each(["forwarder", "backend"])(
  "a %s on a read-only file system: well, then stopped",
  async (role) => {
    const rp = start({ ROLES: role }, { writable: true });
    const record = await rp.started;
    expect(record, rp.errors()).toMatchObject({ roles: role });
    const settings = { ROLES: role, ADMIN_PORT: new URL(String(record?.["adminUrl"])).port };
    expect(await health(settings)).toBe(0);
    rp.child.kill("SIGTERM");
    expect(await rp.ended).toBe(0);
    expect(await health(settings)).toBe(1);
  },
);

test.runIf(canMount())("without a folder to write to, no database is begun unseen", async () => {
  const rp = start({}, { writable: false });
  expect(await rp.started).toBeUndefined();
  expect(await rp.ended).toBe(1);
  expect(rp.errors()).toContain(join(folder, "data"));
});

/** What is written where nothing can be written may fail without a word: so neither may there be one. */
function expectQuiet(rp: Running): void {
  expect(rp.errors()).toBe("");
  expect(rp.log.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
}

test.runIf(canMount())("all roles on the Azure engines, with nothing to write to", async () => {
  await using peers = await AzurePeers.start();
  const settings = { ...peers.settings, LOCAL_INSTALL_SECONDS: "0" };
  handOver(peers.settings["SEALING_KEY_FILE"] ?? "");
  const rp = start(settings, { writable: false });
  const record = await rp.started;
  expect(record, rp.errors()).toMatchObject({ engines: "Azure" });
  const url = String(record?.["url"]);
  expect(await health({ ...settings, PORT: new URL(url).port })).toBe(0);
  await announceSubscription({ url }, "Registered");
  expect(await putCluster({ url }, "demo")).toBe(201);
  await untilState({ url }, "demo", "Succeeded");
  rp.child.kill("SIGTERM");
  expect(await rp.ended).toBe(0);
  expectQuiet(rp);
});

const identityToken = "a-token";

/** What gives a managed identity its tokens, where Azure runs a program: `IDENTITY_ENDPOINT`. */
async function startIdentities(): Promise<
  AsyncDisposable & { readonly url: string; readonly asked: readonly string[] }
> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const resource = new URL(request.url ?? "", "http://host").searchParams.get("resource") ?? "";
    asked.push(resource);
    const expires = Math.floor(Date.now() / 1_000) + 3_600;
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        access_token: identityToken,
        expires_on: expires,
        resource,
        token_type: "Bearer",
      }),
    );
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/msi/token`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test.runIf(canMount())(
  "a frontend that signs in with Entra, with nothing to write to",
  async () => {
    const tls = await issueCertificate([keyVaultHost]);
    const certificate = join(folder, "peer.pem");
    writeFileSync(certificate, tls.cert);
    await using peers = await AzurePeers.start({ tls });
    await using identities = await startIdentities();
    await using vault = await startKeyVaultPeer({
      tls,
      token: identityToken,
      secretName: defaultSecretName,
      value: randomBytes(32).toString("base64"),
    });
    const { COSMOSDB_ENDPOINT = "" } = peers.settings;
    const rp = start(
      {
        ROLES: "frontend",
        COSMOSDB_ENDPOINT,
        // a frontend never asks for the queue
        STORAGE_ACCOUNT: "nobodys",
        IDENTITY_ENDPOINT: identities.url,
        IDENTITY_HEADER: "a-header",
        SEALING_KEY_VAULT: vault.url,
        NODE_EXTRA_CA_CERTS: certificate,
      },
      { writable: false, hosts: [keyVaultHost] },
    );
    const record = await rp.started;
    expect(record, rp.errors()).toMatchObject({ engines: "Azure", roles: "frontend" });
    const url = String(record?.["url"]);
    await announceSubscription({ url }, "Registered");
    expect(await putCluster({ url }, "demo")).toBe(201);
    rp.child.kill("SIGTERM");
    expect(await rp.ended).toBe(0);
    expectQuiet(rp);
    expect(new Set(identities.asked)).toEqual(new Set([COSMOSDB_ENDPOINT, keyVaultResource]));
    expect(vault.requests).toContain(`GET /secrets/${defaultSecretName}/versions`);
    const signed = peers.cosmos.requests.map(({ headers }) => headers.authorization ?? "");
    expect(signed.filter((text) => !decodeURIComponent(text).includes("type=aad"))).toEqual([]);
  },
);
