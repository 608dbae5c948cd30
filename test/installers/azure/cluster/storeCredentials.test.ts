/** The last step of a create: the document has everything before anything that was kept for it goes. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { RestError } from "@azure/core-rest-pipeline";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AzureConnection } from "../../../../src/installers/azure/azureConnection.ts";
import { limitingBlobRequests } from "../../../../src/installers/azure/requestLimit.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import type { AzureEffects } from "../../../../src/installers/azure/azureEffects.ts";
import type { AzureNotes } from "../../../../src/installers/azure/azureNotes.ts";
import type { ReadCredentials } from "../../../../src/installers/azure/cluster/clusterStep.ts";
import {
  storeCredentials,
  type DeleteKept,
} from "../../../../src/installers/azure/cluster/storeCredentials.ts";
import type { ClusterDocument } from "../../../../src/model/document.ts";
import { newCluster } from "../../../backend/stepsSuite.ts";
import { ClusterAnswerer } from "../clusterAnswerer.ts";
import { StepRun } from "../clusterSteps.ts";

let cluster: ClusterAnswerer;
beforeAll(async () => {
  cluster = await ClusterAnswerer.start();
});
afterAll(async () => cluster[Symbol.asyncDispose]());
beforeEach(() => {
  cluster.takeCalls();
  cluster.reply = () => ({ status: 404 });
});

const kubeadminPassword = "aaaaa-bbbbb-ccccc-ddddd";
const computed = "https://console-openshift-console.apps.first.example.com/";

function document(): ClusterDocument {
  const notes: AzureNotes = {
    names: {
      mark: "abcdefgh",
      managedGroup: "aro-first",
      clusterDomain: "first.example.com",
      storageAccount: "clusterabcdefgh",
    },
  };
  return { ...newCluster(), installation: { azure: notes } };
}

/** A run over a storage account of which only `readable` is known. */
function startRun(
  kept: { readable: boolean },
  deleteKept: DeleteKept = async () => {
    kept.readable = false;
  },
): StepRun {
  const readCredentials: ReadCredentials = async () => {
    if (!kept.readable) throw new Error("nothing is kept");
    return { adminKubeconfig: cluster.kubeconfig(), kubeadminPassword };
  };
  return new StepRun({
    document: document(),
    step: (effects) => storeCredentials(effects, { readCredentials, deleteKept }),
  });
}

describe("StoreCredentials", () => {
  it("stores credentials and URLs, and only then deletes what was kept", async () => {
    cluster.reply = () => ({ body: { status: { consoleURL: "https://console.of.its.own" } } });
    const kept = { readable: true };
    const run: StepRun = startRun(kept, async () => {
      expect(run.document.secrets).toMatchObject({
        adminKubeconfig: cluster.kubeconfig(),
        kubeadminPassword,
      });
      expect(run.document.cluster).toMatchObject({
        apiserverUrl: "https://api.first.example.com:6443/",
        consoleUrl: "https://console.of.its.own/",
      });
      kept.readable = false;
    });
    expect(await run.begin()).toEqual({ done: true });
    expect(kept.readable).toBe(false);
    expect(cluster.takeCalls()).toEqual(["GET /apis/config.openshift.io/v1/consoles/cluster"]);
  });

  it("is done when it is begun again and all that was kept is gone", async () => {
    const run = startRun({ readable: true });
    await run.begin();
    const once = run.document;
    cluster.takeCalls();
    expect(await run.begin()).toEqual({ done: true });
    expect(run.document).toEqual(once);
    expect(cluster.takeCalls()).toEqual([]);
  });

  it("deletes nothing as long as the credentials can't be read", async () => {
    let deletions = 0;
    const run = startRun({ readable: false }, async () => {
      deletions += 1;
    });
    await expect(run.begin()).rejects.toThrow("nothing is kept");
    expect(deletions).toBe(0);
    expect(run.document).toEqual(document());
  });

  it("needs nothing that was kept after a crash in the middle of deleting", async () => {
    const kept = { readable: true };
    let crashes = 1;
    const run = startRun(kept, async () => {
      kept.readable = false;
      if (crashes-- > 0) throw new Error("killed");
    });
    await expect(run.begin()).rejects.toThrow("killed");
    expect(await run.begin()).toEqual({ done: true });
    expect(run.document.secrets.kubeadminPassword).toBe(kubeadminPassword);
  });

  it.each([
    { status: 404 },
    { status: 503 },
    { body: {} },
    { body: { status: { consoleURL: "" } } },
    { body: { status: { consoleURL: 5 } } },
    { body: { status: { consoleURL: "javascript:alert(1)" } } },
    { body: { status: { consoleURL: "http://console" } } },
    { body: { status: { consoleURL: "https://name:word@console" } } },
    { body: { status: { consoleURL: `https://console/${"x".repeat(3_000)}` } } },
  ])("computes the console's URL where the cluster tells no usable one: %o", async (reply) => {
    cluster.reply = () => reply;
    const run = startRun({ readable: true });
    expect(await run.begin()).toEqual({ done: true });
    expect(run.document.cluster.consoleUrl).toBe(computed);
  });
});

describe("what was kept", () => {
  /** As a storage account answers a DELETE: by status and error code. */
  const answers = new Map<string, readonly [number, string]>();
  const calls: string[] = [];
  const storage = createServer((request, response) => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    calls.push(`${request.method} ${path}`);
    const [status, code] = answers.get(path) ?? [202, ""];
    response.writeHead(status, code === "" ? {} : { "x-ms-error-code": code });
    response.end();
  });
  beforeAll(async () => {
    storage.listen(0, "127.0.0.1");
    await once(storage, "listening");
  });
  afterAll(async () => {
    storage.close();
    storage.closeAllConnections();
    await once(storage, "close");
  });
  beforeEach(() => {
    calls.length = 0;
    answers.clear();
  });

  const ignition = "/account/ignition/bootstrap.ign";
  const state = "/account/aro/graph";

  /** A run with the SDK's own client for blobs; of the account's management, two answers. */
  function storageRun(hasAccount = true): StepRun {
    const { port } = storage.address() as AddressInfo;
    const azure = {
      blobLimit: limitingBlobRequests({ clock: systemClock, limitMs: 60_000 }),
      of: () => ({
        storage: {
          storageAccounts: {
            getProperties: async () => {
              if (!hasAccount)
                throw new RestError("gone", { statusCode: 404, code: "ResourceNotFound" });
              return { primaryEndpoints: { blob: `http://127.0.0.1:${port}/account/` } };
            },
            listKeys: async () => ({ keys: [{ value: Buffer.alloc(64).toString("base64") }] }),
          },
        },
      }),
    } as unknown as AzureConnection;
    const stored = document();
    const run = new StepRun({
      document: {
        ...stored,
        secrets: { ...stored.secrets, adminKubeconfig: cluster.kubeconfig(), kubeadminPassword },
      },
      step: (effects: AzureEffects) => storeCredentials(effects),
      effects: { azure },
    });
    return run;
  }

  it("is deleted: the bootstrap's configuration and the sealed state, each behind a guard", async () => {
    let guards = 0;
    const onGuard = (): void => {
      guards += 1;
      expect(calls).toHaveLength(guards - 1);
    };
    expect(await storageRun().begin({ onGuard })).toEqual({ done: true });
    expect(calls).toEqual([`DELETE ${ignition}`, `DELETE ${state}`]);
    expect(guards).toBe(2);
  });

  it.each([
    ["the blob", [404, "BlobNotFound"]],
    ["the container", [404, "ContainerNotFound"]],
  ] as const)("is well without %s, and the other is deleted all the same", async (_, answer) => {
    answers.set(ignition, answer);
    expect(await storageRun().begin()).toEqual({ done: true });
    expect(calls).toContain(`DELETE ${state}`);
  });

  it("is well without the account", async () => {
    expect(await storageRun(false).begin()).toEqual({ done: true });
    expect(calls).toEqual([]);
  });

  it("leaves the step undone when it can't be deleted", async () => {
    answers.set(state, [403, "AuthorizationFailure"]);
    await expect(storageRun().begin()).rejects.toThrow(RestError);
  });
});
