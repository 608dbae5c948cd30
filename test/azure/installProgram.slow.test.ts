/** The program that stands in for openshift-install: what it writes, consumes and refuses. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { readBootstrapIgnition } from "./ignitionConfigs.ts";
import { installProgram, writeInstallProgram } from "./installProgram.ts";
import { installConfig } from "./standInAssets.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "install-program-"));
});
afterEach(() => rmSync(root, { recursive: true }));

async function run(program: string, args: readonly string[], env: Record<string, string> = {}) {
  return await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(program, args, { env }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

function prepare(config: object = installConfig) {
  const folder = mkdtempSync(join(root, "assets-"));
  writeFileSync(join(folder, "install-config.yaml"), stringify(config));
  const credentials = join(root, "osServicePrincipal.json");
  writeFileSync(
    credentials,
    JSON.stringify({ subscriptionId: "s", tenantId: "t", clientId: "c", clientSecret: "x" }),
  );
  return {
    folder,
    create: (what: string, program = installProgram) =>
      run(program, ["create", what, "--dir", folder], { AZURE_AUTH_LOCATION: credentials }),
  };
}

test("shows its version and the image of its machines, with no environment at all", async () => {
  const { stdout } = await run(installProgram, ["version"]);
  expect(stdout.split("\n")[0]).toBe(`${installProgram} 4.16.27`);
  const stream = await run(installProgram, ["coreos", "print-stream-json"]);
  expect(JSON.parse(stream.stdout)).toMatchObject({
    architectures: {
      x86_64: {
        "rhel-coreos-extensions": { "azure-disk": { url: expect.stringMatching(/^https:.*vhd$/) } },
      },
    },
  });
});

test("consumes the config for manifests, and those as changed for ignition configs", async () => {
  const { folder, create } = prepare();
  writeFileSync(join(root, "ca.crt"), "the authority");
  const program = writeInstallProgram(root, {
    url: "https://127.0.0.1:1",
    authorityFile: join(root, "ca.crt"),
  });

  expect(await create("manifests", program)).toMatchObject({ code: 0, stdout: "" });
  expect(readdirSync(folder).toSorted()).toEqual([
    ".openshift_install.log",
    ".openshift_install_state.json",
    "manifests",
    "openshift",
  ]);
  const dnsFile = join(folder, "manifests/cluster-dns-02-config.yml");
  const dns = parse(readFileSync(dnsFile, "utf8"));
  expect(dns.spec).toHaveProperty("publicZone");
  delete dns.spec.publicZone;
  writeFileSync(dnsFile, stringify(dns));
  rmSync(join(folder, "openshift/99_openshift-cluster-api_master-machines-1.yaml"));
  writeFileSync(join(folder, "manifests/own.yaml"), "kind: Own");

  expect(await create("ignition-configs", program)).toMatchObject({ code: 0, stdout: "" });
  expect(readdirSync(folder).toSorted()).toEqual([
    ".openshift_install.log",
    ".openshift_install_state.json",
    "auth",
    "bootstrap.ign",
    "master.ign",
    "metadata.json",
    "worker.ign",
  ]);
  const metadata = JSON.parse(readFileSync(join(folder, "metadata.json"), "utf8"));
  expect(metadata.infraID).toMatch(/^shop-[a-z0-9]{5}$/);
  const { manifests } = readBootstrapIgnition(readFileSync(join(folder, "bootstrap.ign"), "utf8"));
  expect(manifests.get("manifests/own.yaml")).toBe("kind: Own");
  expect(manifests.get("manifests/cluster-dns-02-config.yml")).not.toContain("publicZone");
  expect(
    [...manifests.keys()].filter((name) => name.includes("master-machines")).length,
    "one of three was removed",
  ).toBe(2);
  const sets = [...manifests].filter(([name]) => name.includes("worker-machineset"));
  expect(
    sets.map(([, text]) => parse(text)).map((set) => [set.metadata.name, set.spec.replicas]),
  ).toEqual([
    [`${metadata.infraID}-worker-westeurope1`, 2],
    [`${metadata.infraID}-worker-westeurope2`, 1],
  ]);
  const kubeconfig = parse(readFileSync(join(folder, "auth/kubeconfig"), "utf8"));
  expect(kubeconfig.clusters[0].cluster).toEqual({
    server: `https://127.0.0.1:1/clusters/${metadata.infraID}`,
    "certificate-authority-data": Buffer.from("the authority").toString("base64"),
  });
});

test("makes the same cluster again from its state, and another one in another folder", async () => {
  const [one, other] = [prepare(), prepare()];
  const infraId = (folder: string) =>
    JSON.parse(readFileSync(join(folder, "metadata.json"), "utf8")).infraID;
  await one.create("ignition-configs");
  const first = infraId(one.folder);
  rmSync(join(one.folder, "metadata.json"));
  expect((await one.create("ignition-configs")).code).toBe(0);
  expect(infraId(one.folder)).toBe(first);
  await other.create("ignition-configs");
  expect(infraId(other.folder)).not.toBe(first);
});

test("refuses a folder without a config, and one without credentials, which it leaves alone", async () => {
  const empty = mkdtempSync(join(root, "empty-"));
  expect((await run(installProgram, ["create", "manifests", "--dir", empty])).code).toBe(1);
  const { folder } = prepare();
  const refused = await run(installProgram, ["create", "manifests", "--dir", folder], {
    AZURE_AUTH_LOCATION: join(root, "absent.json"),
  });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("could not read credentials");
  expect(existsSync(join(folder, "install-config.yaml"))).toBe(true);
});

test("refuses a faulty config with a code of its own", async () => {
  const { create, folder } = prepare({ ...installConfig, pullSecret: "{}" });
  const refused = await create("ignition-configs");
  expect(refused.code).toBe(3);
  expect(refused.stderr).toContain("pullSecret");
  expect(existsSync(join(folder, "install-config.yaml"))).toBe(true);
});
