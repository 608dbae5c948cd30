/**
 * The program that stands in for openshift-install: `version`, `coreos print-stream-json`, `create manifests` and `create
 * ignition-configs`, with the files, the order and the exit codes of the real one. It must never reach for a network, and
 * keeps everything that it makes in the folder it is given.
 *
 * Of its own it knows two variables: OPENSHIFT_INSTALL_STANDIN_URL, where clusters' APIs are below `/clusters/{infra id}`
 * (absent: at the cluster's own domain, as in earnest), and OPENSHIFT_INSTALL_STANDIN_CA, the file with the authority
 * that answers there. OPENSHIFT_INSTALL_STANDIN_VERSION changes the version it shows.
 */
import { randomInt, randomUUID } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { adminKubeconfig } from "../../../src/installers/local/adminKubeconfig.ts";
import {
  generateCertificateKey,
  issueAdmin,
  issueAuthority,
} from "../../../src/installers/local/certificate.ts";
import { kubeadminPassword } from "../../../src/installers/local/kubeadminPassword.ts";
import { systemRandom } from "../../../src/runtime/ids.ts";
import { bootstrapIgnition, machineIgnition } from "../ignitionConfigs.ts";
import { InvalidInstallConfig, readInstallConfig } from "../installConfigRules.ts";
import {
  clusterDomain,
  clusterGroup,
  installManifests,
  type ServicePrincipal,
} from "../installManifests.ts";

const { env } = process;
const version = env["OPENSHIFT_INSTALL_STANDIN_VERSION"] ?? "4.16.27";
/** The real program ends with it for an install-config that it can't use. */
const installConfigExitCode = 3;
const installConfigFile = "install-config.yaml";
const stateFile = ".openshift_install_state.json";
const logFile = ".openshift_install.log";
const manifestFolders = ["manifests", "openshift"];

const assets = z.object({
  config: z.string(),
  clusterId: z.string(),
  infraId: z.string(),
  password: z.string(),
  authority: z.string(),
  kubeconfig: z.string(),
  manifests: z.array(z.tuple([z.string(), z.string()])),
});
/** What the program keeps of a folder between its runs. */
type Assets = z.infer<typeof assets>;

/** A run that ends with a message and a code. */
class Fatal extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

let folder = ".";

function log(level: "info" | "fatal", message: string): void {
  const line = `level=${level} msg=${JSON.stringify(message)}\n`;
  process.stderr.write(line);
  if (existsSync(folder)) appendFileSync(join(folder, logFile), line, { mode: 0o640 });
}

function write(path: string, text: string): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
  writeFileSync(file, text, { mode: 0o640 });
}

function readAssets(): Assets | undefined {
  const file = join(folder, stateFile);
  if (!existsSync(file)) return undefined;
  return assets.parse(JSON.parse(readFileSync(file, "utf8")));
}

/** Refuses what the real program would ask a person for. */
function readPrincipal(): ServicePrincipal {
  const file = env["AZURE_AUTH_LOCATION"] ?? join(homedir(), ".azure", "osServicePrincipal.json");
  let data: unknown;
  try {
    data = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new Fatal("failed to fetch Platform Credentials Check: could not read credentials: EOF");
  }
  const some = z.string().min(1);
  const read = z
    .object({ subscriptionId: some, tenantId: some, clientId: some, clientSecret: some })
    .safeParse(data);
  if (read.success) return read.data;
  throw new Fatal("failed to fetch Platform Credentials Check: incomplete credentials");
}

/** The cluster's name, shortened, and chance, as the real program composes it. */
function newInfraId(clusterName: string): string {
  const alphabet = "bcdfghjklmnpqrstvwxz2456789";
  const random = Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join("");
  return `${clusterName.slice(0, 21).replace(/-+$/, "")}-${random}`;
}

/** What follows from the install-config, which is consumed. */
async function generateAssets(target: string): Promise<Assets> {
  const file = join(folder, installConfigFile);
  if (!existsSync(file)) {
    throw new Fatal(`failed to fetch ${target}: failed to load asset "Install Config": EOF`);
  }
  const text = readFileSync(file, "utf8");
  let config;
  try {
    config = readInstallConfig(text);
  } catch (error) {
    if (!(error instanceof InvalidInstallConfig)) throw error;
    const message = `failed to fetch ${target}: failed to load asset "Install Config": ${error.message}`;
    throw new Fatal(message, installConfigExitCode);
  }
  const principal = readPrincipal();
  log("info", "Consuming Install Config from target directory");
  rmSync(file);

  const infraId = newInfraId(config.metadata.name);
  const domain = clusterDomain(config);
  const options = { now: Date.now(), random: systemRandom };
  const key = await generateCertificateKey();
  const authority = { key, certificate: await issueAuthority(key, options) };
  const url = env["OPENSHIFT_INSTALL_STANDIN_URL"];
  const served = env["OPENSHIFT_INSTALL_STANDIN_CA"];
  const serverAuthority =
    served === undefined ? authority.certificate : readFileSync(served, "utf8");
  const kubeconfig = adminKubeconfig({
    clusterName: config.metadata.name,
    server: url === undefined ? `https://api.${domain}:6443` : `${url}/clusters/${infraId}`,
    certificateAuthority: serverAuthority,
    admin: await issueAdmin(authority, options),
  });
  const userData = (role: "master" | "worker") =>
    Buffer.from(
      machineIgnition(role, { clusterDomain: domain, authority: authority.certificate }),
    ).toString("base64");
  const clusterId = randomUUID();
  const manifests = installManifests({
    config,
    infraId,
    clusterId,
    version,
    principal,
    userData: { master: userData("master"), worker: userData("worker") },
  });
  return {
    config: text,
    clusterId,
    infraId,
    password: kubeadminPassword(systemRandom),
    authority: authority.certificate,
    kubeconfig,
    manifests: [...manifests],
  };
}

async function createManifests(): Promise<void> {
  const made = readAssets() ?? (await generateAssets("Common Manifests"));
  for (const [path, text] of made.manifests) write(path, text);
  write(stateFile, JSON.stringify(made));
  log("info", `Manifests created in: ${manifestFolders.join(" and ")}`);
}

/** The manifests as somebody has changed them since; they are consumed. */
function consumeManifests(): [string, string][] | undefined {
  const present = manifestFolders.filter((name) => existsSync(join(folder, name)));
  if (present.length === 0) return undefined;
  const found: [string, string][] = [];
  for (const name of present) {
    log("info", `Consuming ${name} from target directory`);
    for (const file of readdirSync(join(folder, name)).toSorted()) {
      found.push([`${name}/${file}`, readFileSync(join(folder, name, file), "utf8")]);
    }
    rmSync(join(folder, name), { recursive: true });
  }
  return found;
}

async function createIgnitionConfigs(): Promise<void> {
  const made = readAssets() ?? (await generateAssets("Bootstrap Ignition Config"));
  const manifests = consumeManifests() ?? made.manifests;
  const config = readInstallConfig(made.config);
  const { azure } = config.platform;
  write(
    "bootstrap.ign",
    bootstrapIgnition({
      manifests: new Map(manifests),
      adminAuthority: made.authority,
      kubeconfig: made.kubeconfig,
      sshKey: config.sshKey.trim(),
    }),
  );
  const options = { clusterDomain: clusterDomain(config), authority: made.authority };
  write("master.ign", machineIgnition("master", options));
  write("worker.ign", machineIgnition("worker", options));
  write("auth/kubeconfig", made.kubeconfig);
  write("auth/kubeadmin-password", made.password);
  write(
    "metadata.json",
    JSON.stringify({
      clusterName: config.metadata.name,
      clusterID: made.clusterId,
      infraID: made.infraId,
      azure: {
        armEndpoint: "",
        cloudName: "AzurePublicCloud",
        region: azure.region,
        resourceGroupName: clusterGroup(config, made.infraId),
        baseDomainResourceGroupName: azure.baseDomainResourceGroupName ?? "",
      },
    }),
  );
  write(stateFile, JSON.stringify({ ...made, manifests } satisfies Assets));
  log("info", "Ignition-Configs created in: . and auth");
}

/** The machines' operating system, as the stream of a release describes it. */
function streamOf(release: string): object {
  const [major, minor] = release.split(".");
  const build = `${major}${minor}.94.202410172137-0`;
  const images = "https://rhcos.blob.core.windows.net/imagebucket";
  const architecture = (name: string) => ({
    artifacts: { azure: { release: build, formats: {} } },
    images: {},
    "rhel-coreos-extensions": {
      "azure-disk": { release: build, url: `${images}/rhcos-${build}-azure.${name}.vhd` },
    },
  });
  return {
    stream: `rhcos-${major}.${minor}`,
    metadata: { "last-modified": "2024-10-21T13:30:14Z", generator: "plume cosa2stream" },
    architectures: { aarch64: architecture("aarch64"), x86_64: architecture("x86_64") },
  };
}

async function run(programName: string, args: readonly string[]): Promise<void> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      dir: { type: "string", default: "." },
      "log-level": { type: "string", default: "info" },
    },
  });
  folder = values.dir;
  const command = positionals.join(" ");
  switch (command) {
    case "version":
      process.stdout.write(
        `${programName} ${version}\n` +
          `built from commit ${"5".repeat(40)}\n` +
          `release image quay.io/openshift-release-dev/ocp-release@sha256:${"5".repeat(64)}\n` +
          "release architecture amd64\n",
      );
      return;
    case "coreos print-stream-json":
      process.stdout.write(`${JSON.stringify(streamOf(version), null, 2)}\n`);
      return;
    case "create manifests":
      await createManifests();
      return;
    case "create ignition-configs":
      await createIgnitionConfigs();
      return;
    default:
      throw new Fatal(`unknown command "${command}" for "openshift-install"`);
  }
}

const [, , programName = "openshift-install", ...args] = process.argv;
try {
  await run(programName, args);
} catch (error) {
  log("fatal", error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof Fatal ? error.exitCode : 1;
}
