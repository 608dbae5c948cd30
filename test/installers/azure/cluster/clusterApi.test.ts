/** The way to a cluster's API over real connections: what is asked, and that no answer, however hostile, gets through. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  answerBytesMax,
  callMs,
  ClusterApi,
  ClusterApiError,
} from "../../../../src/installers/azure/cluster/clusterApi.ts";
import { KubeconfigError } from "../../../../src/installers/azure/cluster/kubeconfig.ts";
import { TestAuthority } from "../../../listener/testAuthority.ts";
import { nobodysPort } from "../../../process/nobodysPort.ts";
import { TestClock } from "../../../runtime/testClock.ts";
import { ClusterAnswerer, type KubeconfigChanges } from "../clusterAnswerer.ts";

let cluster: ClusterAnswerer;
beforeAll(async () => {
  cluster = await ClusterAnswerer.start();
});
afterAll(async () => cluster[Symbol.asyncDispose]());
beforeEach(() => {
  cluster.takeCalls();
  cluster.reply = () => ({ status: 404 });
});

const machineSets = {
  group: "machine.openshift.io",
  version: "v1beta1",
  namespace: "openshift-machine-api",
  plural: "machinesets",
};

async function open(
  changes: KubeconfigChanges = {},
  options: { readonly clock?: TestClock; readonly signal?: AbortSignal } = {},
): Promise<ClusterApi> {
  return await ClusterApi.open({
    kubeconfig: cluster.kubeconfig(changes),
    clock: options.clock ?? new TestClock(),
    signal: options.signal ?? new AbortController().signal,
  });
}

/** What a read of the bootstrap's config map throws. */
async function faultOf(api: ClusterApi): Promise<ClusterApiError> {
  const fault: unknown = await api.configMap("kube-system", "bootstrap").catch((e: unknown) => e);
  expect(fault).toBeInstanceOf(ClusterApiError);
  return fault as ClusterApiError;
}

describe("what is asked", () => {
  it("comes as the administrator, by its certificate", async () => {
    cluster.reply = () => ({ body: { data: { status: "complete" } } });
    using api = await open();
    expect(await api.configMap("kube-system", "bootstrap")).toEqual({ status: "complete" });
    const [call] = cluster.calls;
    expect(call).toMatchObject({
      method: "GET",
      path: "/api/v1/namespaces/kube-system/configmaps/bootstrap",
      isAdmin: true,
    });
    expect(call?.headers.authorization).toBeUndefined();
  });

  it("comes with a token where the kubeconfig has one", async () => {
    using api = await open({ user: { token: "sha256~abc" } });
    await api.configMap("kube-system", "bootstrap");
    expect(cluster.calls[0]).toMatchObject({
      isAdmin: false,
      headers: { authorization: "Bearer sha256~abc" },
    });
  });

  it("is a merge patch for changes", async () => {
    cluster.reply = () => ({ body: {} });
    using api = await open();
    const patch = { metadata: { resourceVersion: "7" }, spec: { replicas: 2 } };
    await api.changeResource(machineSets, "first-worker", patch);
    await api.changeSecret("openshift-config", "pull-secret", { ".dockerconfigjson": "e30=" });
    expect(cluster.calls.map(({ method, path, body }) => [method, path, JSON.parse(body)])).toEqual(
      [
        [
          "PATCH",
          "/apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machinesets/first-worker",
          patch,
        ],
        [
          "PATCH",
          "/api/v1/namespaces/openshift-config/secrets/pull-secret",
          { data: { ".dockerconfigjson": "e30=" } },
        ],
      ],
    );
    for (const { headers } of cluster.calls) {
      expect(headers["content-type"]).toBe("application/merge-patch+json");
    }
  });

  it("finds nothing where nothing is, and lists by labels", async () => {
    using api = await open();
    expect(await api.configMap("a", "b")).toBeUndefined();
    expect(await api.secret("a", "b")).toBeUndefined();
    expect(await api.serviceAddresses("a", "b")).toBeUndefined();
    expect(await api.resource(machineSets, "b")).toBeUndefined();
    cluster.takeCalls();
    cluster.reply = () => ({ body: { items: [{ kind: "MachineSet" }] } });
    expect(await api.resources(machineSets, "a=b")).toEqual([{ kind: "MachineSet" }]);
    expect(cluster.takeCalls()).toEqual([
      "GET /apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machinesets?labelSelector=a%3Db",
    ]);
  });
});

describe("an answer", () => {
  it.each([
    [401, {}, "answered 401."],
    [403, { kind: "Status", reason: "Forbidden", message: "sesame" }, "answered 403 Forbidden."],
    [409, { reason: "Conflict" }, "answered 409 Conflict."],
    [500, "sesame <html>", "answered 500."],
    [503, { reason: "sesame, open" }, "answered 503."],
    [204, "", "can't be read"],
    [200, "", "can't be read"],
    [200, "sesame {", "can't be read"],
    [200, "null", "can't be read"],
    [200, { data: { status: ["sesame"] } }, "can't be read"],
    [200, { data: { status: 5 } }, "can't be read"],
  ])("of %d with %o is told without its text", async (status, body, told) => {
    cluster.reply = () => ({ status, body });
    using api = await open();
    const fault = await faultOf(api);
    expect(fault.message).toContain(told);
    expect(`${fault.stack}${String(fault.cause)}`).not.toContain("sesame");
    expect(fault.status).toBe(status < 300 ? undefined : status);
  });

  it("that leads elsewhere isn't followed", async () => {
    const location = `${cluster.url}/elsewhere`;
    cluster.reply = ({ path }) =>
      path === "/elsewhere" ? { body: { data: {} } } : { status: 302, headers: { location } };
    using api = await open();
    expect((await faultOf(api)).message).toContain("answered 302");
    expect(cluster.takeCalls()).toHaveLength(1);
  });

  it("is read up to a limit only, whatever length it claims", async () => {
    const chunk = Buffer.alloc(1024 * 1024, " ");
    let sentBytes = 0;
    const endless = function* () {
      for (;;) {
        sentBytes += chunk.length;
        yield chunk;
      }
    };
    const ended: Promise<void>[] = [];
    cluster.reply = () => (response) => {
      response.writeHead(200);
      ended.push(pipeline(Readable.from(endless()), response));
    };
    using api = await open();
    expect((await faultOf(api)).message).toContain("too large");
    // by whoever reads it
    await expect(Promise.all(ended)).rejects.toThrow("Premature close");
    expect(sentBytes).toBeLessThan(4 * answerBytesMax);
  });

  it("that never comes ends by the clock", async () => {
    const clock = new TestClock();
    cluster.reply = () => "hang";
    using api = await open({}, { clock });
    const fault = faultOf(api);
    await expect.poll(() => cluster.calls.length).toBe(1);
    await clock.advance(callMs - 1);
    expect(clock.sleeping).toBe(1);
    await clock.advance(1);
    expect((await fault).message).toContain("30 seconds");
  });

  it("whose end never comes ends by the clock too", async () => {
    const clock = new TestClock();
    cluster.reply = () => (response) => {
      response.writeHead(200);
      response.write('{"data":');
    };
    using api = await open({}, { clock });
    const fault = faultOf(api);
    await expect.poll(() => cluster.calls.length).toBe(1);
    await clock.advance(callMs);
    expect((await fault).message).toContain("30 seconds");
    expect(clock.sleeping).toBe(0);
  });

  it("that breaks off is told as such", async () => {
    cluster.reply = () => "break";
    using api = await open();
    expect((await faultOf(api)).message).toContain("can't be reached: ECONNRESET");
  });
});

describe("a call", () => {
  it("ends with the reason of its signal, and none begins after", async () => {
    const clock = new TestClock();
    const abort = new AbortController();
    cluster.reply = () => "hang";
    using api = await open({}, { clock, signal: abort.signal });
    const call = api.configMap("a", "b");
    await expect.poll(() => cluster.calls.length).toBe(1);
    const reason = new Error("the lease is lost");
    abort.abort(reason);
    await expect(call).rejects.toBe(reason);
    await expect(api.configMap("a", "b")).rejects.toBe(reason);
    expect(cluster.calls).toHaveLength(1);
    expect(clock.sleeping).toBe(0);
  });

  it("to nobody is told as such", async () => {
    using api = await open({ cluster: { server: `https://127.0.0.1:${nobodysPort}` } });
    expect((await faultOf(api)).message).toBe("The cluster's API can't be reached: ECONNREFUSED.");
  });

  it("sends nothing to a server of another authority, or of another name", async () => {
    const other = await TestAuthority.create();
    const data = Buffer.from(other.cert).toString("base64");
    using strange = await open({ cluster: { "certificate-authority-data": data } });
    expect((await faultOf(strange)).message).toMatch(/can't be reached: [A-Z_]+\.$/);
    using renamed = await open({ cluster: { "tls-server-name": "api.example.com" } });
    expect((await faultOf(renamed)).message).toContain("ERR_TLS_CERT_ALTNAME_INVALID");
    expect(cluster.calls).toEqual([]);
  });

  it("is not begun with a certificate that is none", async () => {
    const data = Buffer.from("-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n");
    const user = {
      "client-certificate-data": data.toString("base64"),
      "client-key-data": data.toString("base64"),
    };
    await expect(open({ user })).rejects.toThrow(KubeconfigError);
  });
});
