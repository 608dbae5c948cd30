/**
 * The manifests are what Kubernetes and its scaler KEDA publish of their kinds. Values are held against the schemas; names
 * against the types made of the same schemas, by the compiler, because a schema of Kubernetes lets unknown members through.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { manifests, type Manifest } from "../deploy/manifests.ts";

/** A class of the packages: one kind in one version. */
type Kind = new (data: object) => { validate: () => void };

const packageOf = (apiVersion: string): string =>
  apiVersion.startsWith("keda.sh/")
    ? `@kubernetes-models/keda/${apiVersion}`
    : `kubernetes-models/${apiVersion}`;

/** What the schema of its kind says against a manifest. */
async function faultsOfValues(manifest: Manifest): Promise<string> {
  const kinds = (await import(packageOf(manifest.apiVersion))) as Readonly<Record<string, Kind>>;
  const Found = kinds[manifest.kind];
  if (Found === undefined) return `no kind ${manifest.kind} in ${manifest.apiVersion}`;
  try {
    new Found(manifest).validate();
    return "";
  } catch (error) {
    return String(error);
  }
}

/** What the compiler says against manifests as values of their types; `3: …` is about the fourth. */
async function faultsOfNames(all: readonly Manifest[]): Promise<string> {
  const folder = mkdtempSync(join(import.meta.dirname, "node_modules/manifests-"));
  try {
    for (const [at, manifest] of all.entries()) {
      const source =
        `import type { I${manifest.kind} } from "${packageOf(manifest.apiVersion)}";\n` +
        `export const manifest: I${manifest.kind} = ${JSON.stringify(manifest, null, 2)};\n`;
      writeFileSync(join(folder, `${at}.mts`), source);
    }
    const compiler = join(
      dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
      "bin/tsc",
    );
    const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext"];
    const files = all.map((_, at) => join(folder, `${at}.mts`));
    const output = await new Promise<string>((resolve) => {
      execFile(
        process.execPath,
        [compiler, "--ignoreConfig", "--types", "", "--target", "es2024", ...options, ...files],
        (_error, stdout, stderr) => resolve(stdout + stderr),
      );
    });
    return output.replaceAll(/^\S*?(\d+)\.mts\S*/gm, "$1");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

let all: readonly Manifest[];

beforeAll(() => {
  all = manifests();
});

test("every manifest has values that the schema of its kind allows", async () => {
  for (const manifest of all) {
    expect([manifest.kind, await faultsOfValues(manifest)]).toEqual([manifest.kind, ""]);
  }
});

test("every manifest has members that its kind knows, and all that it must have", async () => {
  expect(await faultsOfNames(all)).toBe("");
});

/** A copy of the first manifest of a kind whose text is changed. */
function spoilt(kind: string, right: string, wrong: string): Manifest {
  const text = JSON.stringify(all.find((manifest) => manifest.kind === kind));
  expect(text).toContain(right);
  return JSON.parse(text.replace(right, wrong)) as Manifest;
}

test.each([
  [
    "Deployment",
    '"terminationGracePeriodSeconds":30',
    '"terminationGracePeriodSeconds":"30"',
    /integer/,
  ],
  ["Deployment", '"selector"', '"selectors"', /required/],
  ["ScaledObject", '"scaleTargetRef"', '"scaleTarget"', /required/],
  ["ScaledObject", '"queueLength":"50"', '"queueLength":50', /string/],
  ["TriggerAuthentication", '"azure-workload"', '"azure-workloads"', /allowed values/],
  [
    "HorizontalPodAutoscaler",
    '"apiVersion":"autoscaling/v2"',
    '"apiVersion":"autoscaling/v9"',
    /autoscaling\/v9/,
  ],
])("the values of a %s are refused: %s as %s", async (kind, right, wrong, expected) => {
  const outcome = await faultsOfValues(spoilt(kind, right, wrong)).catch(String);
  expect(outcome).toMatch(expected);
});

test("names are refused that a kind doesn't know, at any depth", async () => {
  const faults = await faultsOfNames([
    spoilt("Deployment", '"readOnlyRootFilesystem"', '"readOnlyRootFileSystem"'),
    spoilt("ScaledObject", '"minReplicaCount"', '"minReplicas"'),
    spoilt("NetworkPolicy", '"podSelector"', '"selector"'),
    spoilt("ConfigMap", '"data"', '"dataa"'),
  ]);
  expect(faults).toMatch(/^0.*"readOnlyRootFileSystem"' does not exist/m);
  expect(faults).toMatch(/^1.*"minReplicas"' does not exist/m);
  expect(faults).toMatch(/^2.*"selector"' does not exist/m);
  expect(faults).toMatch(/^3.*"dataa"' does not exist/m);
});
