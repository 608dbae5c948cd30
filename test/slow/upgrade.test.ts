/**
 * An upgrade without a pause: the earlier release and this one, as real processes, side by side on one data folder. Each serves
 * and works, each is killed, each reads what the other has written; and what a release that is newer than both has put into
 * documents stays, whoever writes them.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClusterDocument, OperationDocument } from "../../src/model/document.ts";
import {
  clusterUrl,
  deleteCluster,
  getCluster,
  listClusters,
  patchCluster,
  putCluster,
  untilState,
} from "../process/clusterCalls.ts";
import {
  compiledIn,
  ownProgram,
  RpProcess,
  temporaryFolder,
  type Environment,
} from "../process/rpProcess.ts";
import { signalsItself } from "../process/signalsItself.ts";
import {
  expectEveryStepOnce,
  expectStepsUntilCanceled,
  stepNames,
} from "../process/stepHistory.ts";
import { StoredState } from "../process/storedState.ts";
import { earlierRelease, ownDependencies, type EarlierRelease } from "./earlierRelease.ts";

const quickTakeover = {
  HEARTBEAT_SECONDS: "0.5",
  LEASE_SECONDS: "2",
  VISIBILITY_SECONDS: "2.5",
};

const killedInMidInstall = signalsItself({
  line: /"phase":"DeployResources"/,
  signal: "SIGKILL",
});

type ReleaseName = "earlier" | "present";
const releases = ["earlier", "present"] as const satisfies readonly ReleaseName[];

let unpacked: EarlierRelease;
let compiled: Environment;
beforeAll(async () => {
  unpacked = earlierRelease();
  compiled = await compiledIn(unpacked.folder);
  await compiledIn(unpacked.folder, { program: unpacked.program });
});
afterAll(() => unpacked[Symbol.dispose]());

function otherThan(release: ReleaseName): ReleaseName {
  return release === "earlier" ? "present" : "earlier";
}

async function start(release: ReleaseName, settings: Environment): Promise<RpProcess> {
  const program = release === "earlier" ? unpacked.program : ownProgram;
  return RpProcess.start({ ...compiled, ...quickTakeover, ...settings }, program);
}

function scaledTo(count: number): object {
  return { properties: { workerProfiles: [{ name: "worker", count }] } };
}

/** Every operation has come to its end in good order. */
function expectWholeHistories(state: StoredState): void {
  for (const operation of state.operations()) expectEveryStepOnce(operation);
  expect(state.integrity()).toBe("ok");
}

test("the earlier release finds the packages that it was made with", () => {
  expect(ownDependencies()).toMatchObject(unpacked.dependencies);
});

test("both serve and work at the same time, each is killed in turn, and nothing is lost", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "1.5" };
  const running = {
    earlier: await start("earlier", settings),
    present: await start("present", settings),
  };
  using state = new StoredState(folder.path);
  const names: string[] = [];
  const stepsBy: Record<ReleaseName, number> = { earlier: 0, present: 0 };
  const countSteps = (release: ReleaseName): void => {
    stepsBy[release] += running[release].log.filter(({ outcome }) => outcome === "done").length;
  };
  for (const [round, killed] of [...releases, ...releases].entries()) {
    for (const release of releases) {
      for (const index of [0, 1]) {
        const name = `${release}-${round}-${index}`;
        expect(await putCluster(running[release], name)).toBe(201);
        names.push(name);
      }
    }
    // in the middle of a step of its own
    await running[killed].logged(({ outcome }) => outcome === "done");
    running[killed].kill("SIGKILL");
    await running[killed].exit();
    countSteps(killed);
    // the other goes on alone
    const name = `${killed}-${round}-0`;
    await untilState(running[otherThan(killed)], name, "Succeeded");
    running[killed] = await start(killed, settings);
  }
  for (const name of names) {
    for (const release of releases) await untilState(running[release], name, "Succeeded");
  }

  // each is changed through the other
  for (const [index, name] of names.entries()) {
    const release = otherThan(name.startsWith("earlier") ? "earlier" : "present");
    const response = await patchCluster(running[release], name, scaledTo(4 + index));
    expect(response.status).toBe(202);
  }
  for (const [index, name] of names.entries()) {
    await untilState(running.earlier, name, "Succeeded");
    const shown = await Promise.all(
      releases.map(async (release) => (await getCluster(running[release], name)).cluster),
    );
    expect(shown[0]).toEqual(shown[1]);
    expect(shown[0]).toMatchObject(scaledTo(4 + index));
  }
  const lists = await Promise.all(releases.map(async (release) => listClusters(running[release])));
  expect(lists[0]).toEqual(lists[1]);
  expect(lists[0]?.names).toEqual(names.toSorted());

  // and half of them are deleted through either
  const deleted = names.filter((_, index) => index % 2 === 0);
  for (const [index, name] of deleted.entries()) {
    const release = releases[index % 2] ?? "present";
    expect((await deleteCluster(running[release], name)).status).toBe(202);
  }
  for (const name of deleted) while ((await getCluster(running.earlier, name)).state !== "gone");
  for (const release of releases) {
    countSteps(release);
    running[release].kill("SIGTERM");
    expect(await running[release].exit()).toEqual({ code: 0, signal: null });
    expect(stepsBy[release]).toBeGreaterThan(0);
  }
  expect(state.clusters().map(({ name }) => name)).toEqual(
    names.filter((name) => !deleted.includes(name)).toSorted(),
  );
  expectWholeHistories(state);
});

describe("messages", () => {
  test.each(releases)("that the %s release sends are understood by the other", async (sender) => {
    using folder = temporaryFolder();
    const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0" };
    const worker = otherThan(sender);
    await using web = await start(sender, { ...settings, ROLES: "frontend,forwarder" });
    await using _backend = await start(worker, { ...settings, ROLES: "backend" });
    using state = new StoredState(folder.path);
    expect(await putCluster(web, "c")).toBe(201);
    await untilState(web, "c", "Succeeded");
    expectWholeHistories(state);
  });

  test.each(releases)("that a newer release sends are understood by the %s one", async (worker) => {
    using folder = temporaryFolder();
    const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0" };
    await using web = await start(worker, { ...settings, ROLES: "frontend" });
    using state = new StoredState(folder.path);
    expect(await putCluster(web, "c")).toBe(201);
    const { document } = state.cluster("c");
    // there is no forwarder, so this is the only message
    state.send(
      JSON.stringify({
        format: 2,
        partition: document.subscriptionId,
        documentId: document.id,
        operationId: document.operation.id,
        priority: { class: "high" },
      }),
    );
    await using _backend = await start(worker, { ...settings, ROLES: "backend" });
    await untilState(web, "c", "Succeeded");
    expectWholeHistories(state);
  });
});

/** What a newer release may have put into a cluster, at every depth. */
function newerCluster(document: ClusterDocument) {
  return {
    schemaVersion: 7,
    newer: { deep: [1, { nothing: null }] },
    cluster: {
      fips: true,
      network: { ipv6: { cidr: "fd00::/48" } },
      controlPlane: { zones: ["1", "2"] },
      workers: document.cluster.workers.map(({ name }) => ({ name, spot: { maxPrice: 1 } })),
    },
    secrets: { newerSecret: "kept" },
    operation: { priority: 3 },
    work: { newerWork: { kept: true } },
    installation: { newer: { kept: true } },
  };
}

function withNewerMembers(document: ClusterDocument): object {
  const newer = newerCluster(document);
  const { cluster } = document;
  return {
    ...document,
    ...newer,
    cluster: {
      ...cluster,
      ...newer.cluster,
      network: { ...cluster.network, ...newer.cluster.network },
      controlPlane: { ...cluster.controlPlane, ...newer.cluster.controlPlane },
      workers: cluster.workers.map((worker, index) => ({
        ...worker,
        ...newer.cluster.workers[index],
      })),
    },
    secrets: { ...document.secrets, ...newer.secrets },
    operation: { ...document.operation, ...newer.operation },
    work: { ...document.work, ...newer.work },
    installation: { ...document.installation, ...newer.installation },
  };
}

/** What a newer release may have put into the record of an operation. */
const newerRecord = { schemaVersion: 7, newer: { deep: [1, { nothing: null }] } };
const newerStep = { newerStep: { kept: true } };

function withNewerRecord(record: OperationDocument): object {
  const steps = record.steps.map((step) => ({ ...step, ...newerStep }));
  return { ...record, ...newerRecord, steps };
}

/** A newer release writes the cluster and the record of its operation. @returns how many steps that had. */
function writeAsNewer(state: StoredState, name: string): number {
  const { document } = state.cluster(name);
  const record = state.operation(document.operation.id).document;
  state.edit<"cluster">(document, withNewerMembers);
  state.edit<"operation">(record, withNewerRecord);
  return record.steps.length;
}

/** Nothing of what a newer release has put into a cluster is lost. */
function expectNewerMembers(document: ClusterDocument): void {
  const newer = newerCluster(document);
  expect(document).toMatchObject(newer);
  if (document.applied !== undefined) {
    expect(document.applied).toMatchObject(newer.cluster);
  }
}

function expectNewerRecord(record: OperationDocument, stepsBefore: number): void {
  expect(record).toMatchObject(newerRecord);
  expect(stepsBefore).toBeGreaterThan(0);
  for (const step of record.steps.slice(0, stepsBefore)) expect(step).toMatchObject(newerStep);
}

describe.each(releases)("what a newer release has written is kept by the %s release", (release) => {
  test("through claim, steps, end, PUT, PATCH and a failed update, and shows alike in both", async () => {
    using folder = temporaryFolder();
    const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "1.5" };
    const workSettings = { ...settings, ROLES: "forwarder,backend" };
    await using web = await start(release, { ...settings, ROLES: "frontend" });
    await using onlooker = await start(otherThan(release), { ...settings, ROLES: "frontend" });
    const interrupted = await start(release, { ...workSettings, ...killedInMidInstall });
    using state = new StoredState(folder.path);
    const expectKept = async (): Promise<void> => {
      expectNewerMembers(state.cluster("c").document);
      const [shown, alike] = await Promise.all([getCluster(web, "c"), getCluster(onlooker, "c")]);
      expect(alike).toEqual(shown);
    };

    expect(await putCluster(web, "c")).toBe(201);
    expect((await interrupted.exit()).signal).toBe("SIGKILL");
    const stepsBefore = writeAsNewer(state, "c");
    const createId = state.cluster("c").document.operation.id;
    const work = await start(release, workSettings);
    await untilState(web, "c", "Succeeded");
    await expectKept();
    const created = state.operation(createId).document;
    expectEveryStepOnce(created);
    expectNewerRecord(created, stepsBefore);

    const tagged = await patchCluster(web, "c", { tags: { team: "blue" } });
    expect(tagged.status).toBe(200);
    await expectKept();
    expect((await patchCluster(web, "c", scaledTo(5))).status).toBe(202);
    await untilState(web, "c", "Succeeded");
    await expectKept();
    const { cluster } = await getCluster(web, "c");
    const replaced = await fetch(clusterUrl(web, "c"), {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...cluster, properties: { ...cluster.properties, ...workersOf(6) } }),
    });
    expect(replaced.status).toBe(200);
    await untilState(web, "c", "Succeeded");
    await expectKept();
    expect(state.cluster("c").document.cluster.workers).toMatchObject([{ count: 6 }]);

    // an update that has used up its attempts goes back to what was reached
    work.kill("SIGTERM");
    await work.exit();
    expect((await patchCluster(web, "c", scaledTo(7))).status).toBe(202);
    state.edit<"cluster">(state.cluster("c").document, (document) => ({
      ...document,
      work: { ...document.work, step: stepNames("update")[0], attempts: 5 },
    }));
    await using _again = await start(release, workSettings);
    await expect
      .poll(async () => (await getCluster(web, "c")).state, { timeout: 30_000 })
      .toBe("Failed");
    await expectKept();
    expect(state.cluster("c").document.cluster.workers).toMatchObject([{ count: 6 }]);
    expect(state.operation(createId).document).toEqual(created);
  });

  test("in the record of an operation that a DELETE cancels", async () => {
    using folder = temporaryFolder();
    const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "1.5" };
    const interrupted = await start(release, { ...settings, ...killedInMidInstall });
    using state = new StoredState(folder.path);
    expect(await putCluster(interrupted, "c")).toBe(201);
    expect((await interrupted.exit()).signal).toBe("SIGKILL");
    const stepsBefore = writeAsNewer(state, "c");
    const createId = state.cluster("c").document.operation.id;
    await using web = await start(release, { ...settings, ROLES: "frontend" });
    expect((await deleteCluster(web, "c")).status).toBe(202);
    expectNewerMembers(state.cluster("c").document);
    const canceled = state.operation(createId).document;
    expectStepsUntilCanceled(canceled);
    expectNewerRecord(canceled, stepsBefore);
    await using _work = await start(release, { ...settings, ROLES: "forwarder,backend" });
    while ((await getCluster(web, "c")).state !== "gone");
    expect(state.operation(createId).document).toEqual(canceled);
  });
});

function workersOf(count: number): object {
  return { workerProfiles: [{ name: "worker", count }] };
}

test("a cluster that a much newer release has marked is left to it by both; lists and the work on others go on", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0" };
  const before = await start("present", { ...settings, ROLES: "frontend" });
  using state = new StoredState(folder.path);
  for (const name of ["marked", "other"]) expect(await putCluster(before, name)).toBe(201);
  before.kill("SIGTERM");
  await before.exit();
  const marked = state.cluster("marked").document;
  state.edit<"cluster">(marked, (document) => ({ ...document, minimumSchemaVersion: 99 }));

  for (const release of releases) {
    await using rp = await start(release, settings);
    await untilState(rp, "other", "Succeeded");
    expect(await putCluster(rp, `new-${release}`)).toBe(201);
    await untilState(rp, `new-${release}`, "Succeeded");
    const refused = await Promise.all([
      fetch(clusterUrl(rp, "marked")),
      patchCluster(rp, "marked", { tags: {} }),
      deleteCluster(rp, "marked"),
      fetch(clusterUrl(rp, "marked/listCredentials"), { method: "POST" }),
    ]);
    for (const response of refused) {
      expect(response.status).toBe(503);
      expect(Number(response.headers.get("Retry-After"))).toBeGreaterThan(0);
      expect(await response.json()).toMatchObject({ error: { code: "DocumentTooNew" } });
    }
    expect(await putCluster(rp, "marked")).toBe(503);
    const { status, names } = await listClusters(rp);
    expect(status).toBe(200);
    expect(names).toEqual(
      state.clusters().flatMap(({ name }) => (name === "marked" ? [] : [name])),
    );
    await rp.logged(({ message }) => String(message).includes("written by a newer release"));
    const { unqueued, sweepAfter, sweeps } = state.cluster("marked").document;
    expect(state.cluster("marked").document).toEqual({
      ...marked,
      minimumSchemaVersion: 99,
      unqueued,
      sweepAfter,
      sweeps,
    });
  }

  // the newer release has taken its mark back
  await using rp = await start("present", settings);
  state.edit<"cluster">(marked, (document) => {
    const { minimumSchemaVersion: _, ...rest } = document;
    return rest;
  });
  await untilState(rp, "marked", "Succeeded");
  expectWholeHistories(state);
});
