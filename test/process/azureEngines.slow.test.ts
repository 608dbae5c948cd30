/** The real program on the Azure engines, against peers of our own: the main job. `test/slow/azure*.test.ts` has all the rest. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TraceCollector } from "../runtime/traceCollector.ts";
import { AzurePeers } from "./azurePeers.ts";
import { announceSubscription, putCluster, untilState } from "./clusterCalls.ts";
import { RpProcess, temporaryFolder, type Environment } from "./rpProcess.ts";

/** A process that tells which libraries of Azure it has loaded. */
async function startWatched(settings: Environment) {
  const folder = temporaryFolder();
  const file = join(folder.path, "modules");
  const hook = new URL("processes/noteModules.ts", import.meta.url);
  hook.searchParams.set("into", file);
  const rp = await RpProcess.start({ ...settings, NODE_OPTIONS: `--import=${hook.href}` });
  return {
    rp,
    azurePackages: (): readonly string[] => {
      const modules = readFileSync(file, "utf8");
      expect(modules).toContain("/src/engines.ts\n");
      const names = modules.matchAll(/\/node_modules\/(@azure\/[\w-]+)\//g);
      return [...new Set(Array.from(names, ([, name = ""]) => name))];
    },
    [Symbol.asyncDispose]: async () => {
      await rp[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

test("a frontend and a process that does the work share them; by default a subscription must have been announced", async () => {
  using folder = temporaryFolder();
  await using peers = await AzurePeers.start();
  const DATA_DIR = join(folder.path, "none");
  await using collector = await TraceCollector.start();
  const settings = {
    ...peers.settings,
    DATA_DIR,
    LOCAL_INSTALL_SECONDS: "0",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  };
  await using web = await startWatched({ ...settings, ROLES: "frontend", ADMIN_PORT: "0" });
  // it has no business with the queue, and in Azure no right to it
  expect(peers.queue.requests).toEqual([]);
  expect(web.azurePackages()).toContain("@azure/cosmos");
  expect(web.azurePackages()).not.toContain("@azure/storage-queue");

  await using work = await startWatched({ ...settings, ROLES: "forwarder,backend" });
  expect(work.rp.log).toContainEqual(expect.objectContaining({ engines: "Azure" }));
  expect(work.azurePackages()).toEqual(
    expect.arrayContaining(["@azure/cosmos", "@azure/storage-queue"]),
  );
  // both sign in by key
  expect(work.azurePackages()).not.toContain("@azure/identity");

  expect(await putCluster(web.rp, "shared")).toBe(409);
  await announceSubscription(web.rp, "Registered");
  expect(await putCluster(web.rp, "shared")).toBe(201);
  await untilState(web.rp, "shared", "Succeeded");
  const adminUrl = web.rp.log.find(({ version }) => version !== undefined)?.["adminUrl"];
  const metrics = await (await fetch(`${String(adminUrl)}/metrics`)).text();
  expect(metrics).toMatch(/^rp_store_request_units_total\{method="commit"\} [1-9]/m);
  await expect.poll(() => peers.queue.texts).toEqual([]);
  expect(existsSync(DATA_DIR)).toBe(false);
  const systems = (): ReadonlySet<unknown> =>
    new Set(
      collector.spans.flatMap(({ attributes }) => [
        attributes["db.system.name"],
        attributes["messaging.system"],
      ]),
    );
  await expect.poll(systems).toEqual(new Set([undefined, "azure.cosmosdb", "azure.storage_queue"]));
});

test("with the embedded engine nothing of Azure is loaded", async () => {
  using folder = temporaryFolder();
  await using embedded = await startWatched({ DATA_DIR: folder.path });
  expect(embedded.azurePackages()).toEqual([]);
});
