/**
 * The commands of README.md's `Run it in Azure`, run by a shell with stand-ins of Azure's tools: the values get from one command
 * to the next, and at the end the cluster is handed the manifests. What Azure says to them no test can tell.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { cosmosDatabase } from "../../src/store/cosmosLayout.ts";
import { writeExecutable } from "../process/executableFile.ts";
import { azureTemplate, deployed, operatorObjectId } from "./azureTemplate.ts";
import { fillIn } from "./manifests.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

/** What the cluster says that it runs. */
const runningImage = `registry.example/openshift-rp@sha256:${"fedcba9876543210".repeat(4)}`;

/** The indented lines of the section. */
function commands(): string {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const section = readme.split("\n## Run it in Azure\n")[1]?.split("\n## ")[0] ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("    "));
  return lines.map((line) => line.slice(4)).join("\n");
}

interface Called {
  /** One line each: the tool and its arguments. */
  readonly calls: readonly string[];
  /** What `kubectl apply` was given, one after the other. */
  readonly applied: string;
  /** Under which settings the program was started on this machine. */
  readonly npmSettings: string;
}

function run(script: string): Called {
  const folder = mkdtempSync(join(tmpdir(), "rp-readme-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "outputs"));
  for (const [name, value] of Object.entries(deployed().outputs)) {
    writeFileSync(join(folder, "outputs", name), String(value));
  }
  const record = 'echo "$(basename "$0") $*" >> "$STAND_INS/calls"\n';
  const az = `case "$*" in
    "deployment group show "*)
      path="$(echo "$*" | sed -n 's/.*properties\\.outputs\\.\\([A-Za-z]*\\)\\.value.*/\\1/p')"
      cat "$STAND_INS/outputs/$path" ;;
    "ad signed-in-user show "*) echo ${operatorObjectId} ;;
    "acr repository show "*) echo ${digest} ;;
    "storage account show "*) echo /subscriptions/s/storage ;;
    # reads what it is given: a pipe that nobody reads would end the command before it
    "keyvault secret set "*) cat > /dev/null ;;
    "keyvault show "*) echo /subscriptions/s/vault ;;
  esac`;
  const kubectl = `case "$*" in
    apply*) cat >> "$STAND_INS/applied" ;;
    *" get deployment "*) echo ${runningImage} ;;
  esac`;
  const npm = 'echo "$ROLES $PORT $COSMOSDB_ACCOUNT $STORAGE_ACCOUNT" > "$STAND_INS/npm-settings"';
  for (const [tool, body] of Object.entries({ az, kubectl, npm, kubelogin: "" })) {
    writeExecutable(join(folder, tool), `#!/bin/sh\nset -eu\n${record}${body}\n`);
  }
  execFileSync("bash", ["-euo", "pipefail", "-c", script], {
    cwd: root,
    env: {
      PATH: `${folder}:${process.env["PATH"]}`,
      STAND_INS: folder,
    },
    stdio: "pipe",
  });
  return {
    calls: readFileSync(join(folder, "calls"), "utf8").trim().split("\n"),
    applied: readFileSync(join(folder, "applied"), "utf8"),
    npmSettings: readFileSync(join(folder, "npm-settings"), "utf8").trim(),
  };
}

test("the commands hand on what they need, and the cluster gets the manifests", () => {
  const { calls, applied, npmSettings } = run(commands());
  const { outputs } = deployed();
  const settings = {
    IMAGE: `${String(outputs["registryServer"])}/openshift-rp@${digest}`,
    LOCATION: "eastus",
    COSMOSDB_ACCOUNT: String(outputs["cosmosAccount"]),
    STORAGE_ACCOUNT: String(outputs["storageAccount"]),
    SEALING_KEY_VAULT: String(outputs["keyVault"]),
    FRONTEND_CLIENT_ID: String(outputs["frontendClientId"]),
    FORWARDER_CLIENT_ID: String(outputs["forwarderClientId"]),
    BACKEND_CLIENT_ID: String(outputs["backendClientId"]),
    SCALER_CLIENT_ID: String(outputs["scalerClientId"]),
  };
  const [expected, before] = [fillIn(settings), fillIn({ ...settings, IMAGE: runningImage })];
  expect(expected.errors).toBe("");
  // the new release, and then back
  expect(applied).toBe(`${expected.text}${before.text}`);
  expect(npmSettings).toBe(
    `frontend 8081 ${settings.COSMOSDB_ACCOUNT} ${settings.STORAGE_ACCOUNT}`,
  );

  // what only reads may come in between
  const changing = calls
    .map((call) => call.replace(" --namespace openshift-rp", "").replace(/ --.*$/, ""))
    .filter((call) => !/^az .* show$|^kubectl get /.test(call));
  const rolledOut = ["frontend", "forwarder", "backend"].map(
    (role) => `kubectl rollout status deployment/${role}`,
  );
  expect(changing).toEqual([
    "az login",
    "az account set",
    ...Array.from({ length: 9 }, () => "az provider register"),
    "az group create",
    "az deployment group create",
    "az keyvault secret set",
    "az aks enable-addons",
    "az acr build",
    "az aks get-credentials",
    "kubelogin convert-kubeconfig",
    "kubectl apply",
    ...rolledOut,
    "kubectl port-forward deployment/frontend 8080",
    "kubectl apply",
    ...rolledOut,
    "kubectl rollout restart deployment",
    "az cosmosdb sql role assignment create",
    "az role assignment create",
    "az role assignment create",
    "npm start",
  ]);
});

test("whoever runs a process on this machine is granted no more than the roles have", () => {
  const { calls } = run(commands());
  const { outputs } = deployed();
  const of = (command: string): string => calls.find((call) => call.startsWith(command)) ?? "";
  expect(of("az cosmosdb sql role assignment create")).toMatch(
    new RegExp(
      `--account-name ${String(outputs["cosmosAccount"])} --principal-id ${operatorObjectId} ` +
        `--role-definition-name Cosmos DB Built-in Data Contributor --scope /dbs/${cosmosDatabase}$`,
    ),
  );
  const granted = calls.filter((call) => call.startsWith("az role assignment create"));
  const toOperator = `--assignee-object-id ${operatorObjectId} --assignee-principal-type User`;
  expect(granted.map((call) => call.slice(call.indexOf("--assignee")))).toEqual([
    `${toOperator} --role Storage Queue Data Contributor --scope /subscriptions/s/storage`,
    `${toOperator} --role Key Vault Secrets User --scope /subscriptions/s/vault`,
  ]);
});

test("the parameters are those of the template, and each that must be given is", () => {
  const call = run(commands()).calls.find((each) => each.startsWith("az deployment group create"));
  const given = [...(call?.split("--parameters ")[1] ?? "").matchAll(/(\w+)=/g)].map(
    ([, name = ""]) => name,
  );
  const { parameters } = azureTemplate();
  expect(given.filter((name) => !Object.hasOwn(parameters, name))).toEqual([]);
  const required = Object.entries(parameters)
    .filter(([, { defaultValue }]) => defaultValue === undefined)
    .map(([name]) => name);
  expect(given).toEqual(required);
});

test("every kind of resource has its provider registered", () => {
  const registered = run(commands()).calls.flatMap(
    (call) => /^az provider register --namespace (\S+)/.exec(call)?.slice(1) ?? [],
  );
  const needed = new Set(azureTemplate().resources.map(({ type }) => type.split("/")[0] ?? ""));
  // registered in every subscription
  needed.delete("Microsoft.Authorization");
  // for the monitoring of the cluster, which a command switches on
  for (const namespace of ["OperationsManagement", "Insights"])
    needed.add(`Microsoft.${namespace}`);
  expect(registered.toSorted()).toEqual([...needed].toSorted());
});

test("an output that is not there stops the commands", () => {
  expect(() => run(commands().replace("output storageAccount", "output account"))).toThrow(
    /STORAGE_ACCOUNT: must be set/,
  );
});
