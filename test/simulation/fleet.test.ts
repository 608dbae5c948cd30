/** A small fleet of what `npm run fleet` runs in large: nothing is lost, services are used up to what they grant, and it is told. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { fleetOptionsOf, usage } from "./fleetOptions.ts";
import { FleetWatch } from "./fleetWatch.ts";
import { runFleet, type FleetOptions, type FleetReport } from "./fleetRun.ts";
import { Host } from "./host.ts";
import { World } from "./world.ts";
import { clusterDocument, operationDocument } from "../store/documents.ts";
import type { ClusterDocument, RpDocument } from "../../src/model/document.ts";
import type { ETag } from "../../src/store/store.ts";

const small: FleetOptions = {
  seed: 1,
  instances: 3,
  clusters: 200,
  subscriptions: 20,
  busyPercent: 0,
  rate: 4,
  seconds: 6,
  workers: 10,
  steps: 1,
  stepMs: 200,
  waits: 2,
  waitMs: 2_000,
  storeMs: 6,
  queueMs: 10,
  unitsPerSecond: Infinity,
  messagesPerSecond: Infinity,
  split: false,
  crashSeconds: Infinity,
};

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

/** Every operation has ended, and was claimed by nobody while another had it in hand. */
function isWhole({ accepted, ended, watch }: FleetReport): void {
  expect(watch.violations).toEqual([]);
  expect(accepted).toBeGreaterThan(10);
  expect(ended).toBe(accepted);
  expect(watch.startMs).toHaveLength(accepted);
}

test("a fleet that nothing befalls ends what it begins, and the same seed gives the same fleet", async () => {
  const report = await runFleet(small);
  isWhole(report);
  expect(report.refused).toBe(0);
  expect(report.perSecond.throttled).toBe(0);
  // one message for each operation: nobody had to be asked twice
  expect(sum(report.watch.passes.map(({ sent }) => sent))).toBe(report.accepted);
  // each operation is claimed once, and again after each wait
  expect(report.watch.claims).toBe(report.accepted * 3);
  const again = await runFleet(small);
  expect(again.watch.startMs).toEqual(report.watch.startMs);
  expect(again.occurrences).toBe(report.occurrences);
});

test("the dead are replaced: a worker within the visibility, the forwarder within the lease", async () => {
  const report = await runFleet({ ...small, rate: 6, stepMs: 1_000, crashSeconds: 1.5 });
  isWhole(report);
  expect(report.deaths).toBeGreaterThan(2);
  const { failoverMs, forwarderFailoverMs } = report.watch;
  expect(failoverMs.length).toBeGreaterThan(0);
  expect(Math.max(...failoverMs)).toBeLessThan(62_000);
  expect(forwarderFailoverMs.length).toBeGreaterThan(0);
  expect(Math.max(...forwarderFailoverMs)).toBeLessThan(47_000);
});

test("with roles of their own, and less throughput than they ask for, they take longer and lose nothing", async () => {
  const unitsPerSecond = 200;
  const report = await runFleet({ ...small, instances: 5, split: true, unitsPerSecond });
  isWhole(report);
  expect(report.perSecond.throttled).toBeGreaterThan(0);
  // what the last call of a second takes beyond is taken from the next
  expect(report.perSecond.units).toBeLessThan(unitsPerSecond * 1.1);
  expect(report.perSecond.units).toBeGreaterThan(unitsPerSecond * 0.9);
});

test("one subscription has one partition, whatever there is beside it", async () => {
  const { perSecond } = await runFleet({ ...small, subscriptions: 1, unitsPerSecond: 40_000 });
  expect(perSecond.partitionUnits).toHaveLength(4);
  const [most = 0, next = 0] = perSecond.partitionUnits.toSorted((one, other) => other - one);
  expect(most).toBeGreaterThan(next * 2);
});

test("a busy subscription has its part of the operations, which are told apart from the others'", async () => {
  const report = await runFleet({ ...small, rate: 10, busyPercent: 70 });
  isWhole(report);
  const { startMs, quietStartMs } = report.watch;
  expect(quietStartMs.length).toBeGreaterThan(startMs.length * 0.1);
  expect(quietStartMs.length).toBeLessThan(startMs.length * 0.5);
});

test("the queue's messages are limited too", async () => {
  const messagesPerSecond = 8;
  // for long enough that the several messages of one last answer weigh little
  const report = await runFleet({ ...small, rate: 6, seconds: 20, messagesPerSecond });
  isWhole(report);
  expect(report.perSecond.queueMessages).toBeLessThan(messagesPerSecond * 1.1);
  expect(report.perSecond.throttled).toBeGreaterThan(0);
});

test("each cluster is used once, the last one too, and that none is left is told", async () => {
  const asManyAs = { ...small, rate: 40, seconds: 4, clusters: 40, workers: 100 };
  const { accepted, ended, watch } = await runFleet(asManyAs);
  expect(accepted).toBe(40);
  expect(ended).toBe(40);
  expect(new Set(watch.violations)).toEqual(
    new Set(["no cluster was at rest to begin an operation on"]),
  );
});

test("whoever waits is told of each second", async () => {
  const told: number[] = [];
  await runFleet(small, (seconds) => told.push(seconds));
  const arriving = Array.from({ length: small.seconds }, (_, index) => index + 1);
  expect(told.slice(0, small.seconds)).toEqual(arriving);
  expect(new Set(told).size).toBe(told.length);
});

test.each([
  ["--rate", ""],
  ["--rate", " "],
  ["--rate", "many"],
  ["--rate", "Infinity"],
  ["--rate", "-1"],
  ["--seconds", "0"],
  ["--seconds", "1.5"],
  ["--steps", "0.5"],
  ["--busyPercent", "101"],
  ["--crashSeconds", "0"],
  ["--units", "0"],
])("what %s may not be: '%s'", (name, value) => {
  // the form that takes a value that begins with a dash
  expect(() => fleetOptionsOf([`${name}=${value}`])).toThrow(`${name} must be`);
});

test("more operations than there are clusters are refused, with what to raise", () => {
  const asked = (clusters: number) =>
    fleetOptionsOf(["--rate", "100", "--seconds", "100", "--clusters", String(clusters)]);
  expect(() => asked(9_999)).toThrow("raise --clusters");
  // on average it would be enough
  expect(() => asked(10_000)).toThrow("raise --clusters");
  expect(asked(10_600)).toMatchObject({ clusters: 10_600, rate: 100, seconds: 100 });
});

test("what is not said is as the usage text has it", () => {
  const options = fleetOptionsOf([]);
  expect(options).toMatchObject({ instances: 50, unitsPerSecond: Infinity, split: false });
  expect(usage()).toContain("processes (50)");
  expect(usage()).toContain("request units a second of both containers (no limit)");
  expect(() => fleetOptionsOf(["--clusterz", "1"])).toThrow("--clusterz");
  expect(fleetOptionsOf(["--help", "--rate", ""])).toBe("help");
});

const program = new URL("fleet.ts", import.meta.url).pathname;

test("the program tells its options, and refuses others with the same text", async () => {
  const run = promisify(execFile);
  const { stdout, stderr } = await run(process.execPath, [program, "--help"]);
  expect([stdout, stderr]).toEqual([usage(), ""]);
  await expect(run(process.execPath, [program, "--rate", ""])).rejects.toMatchObject({
    code: 2,
    stdout: "",
    stderr: `--rate must be a number from 0 on, not ''\n${usage()}`,
  });
});

test("whoever stops reading gets no error, and the run its exit code", async () => {
  const args = "--instances 1 --clusters 50 --rate 1 --seconds 2 --waits 0 --steps 1".split(" ");
  const child = spawn(process.execPath, [program, ...args]);
  child.stdout.destroy();
  const [told, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  expect([told, code]).toEqual(["", 0]);
});

test("a busy subscription is told of where there is one", async () => {
  const run = promisify(execFile);
  const few = "--instances 1 --clusters 50 --rate 1 --seconds 2 --waits 0 --steps 1".split(" ");
  const without = await run(process.execPath, [program, ...few]);
  expect(without.stdout).not.toContain("busy");
  const busy = await run(process.execPath, [program, ...few, "--busyPercent", "50"]);
  expect(busy.stdout).toContain("not in the busy one");
});

function watched(): { readonly watch: FleetWatch; readonly hosts: readonly [Host, Host] } {
  const world = new World({ seed: 1 });
  const host = (name: string): Host => new Host({ world, name, skewMs: 0 });
  return { watch: new FleetWatch(world), hosts: [host("one"), host("other")] };
}

function change(before: RpDocument, after: RpDocument) {
  return {
    before: { document: before, etag: "1" as ETag },
    after: { document: after, etag: "2" as ETag },
  };
}

const rest = clusterDocument("a", { provisioningState: "Succeeded", unqueued: false });
const begun: ClusterDocument = {
  ...rest,
  provisioningState: "Updating",
  operation: { ...rest.operation, id: "next" },
};
const claimedBy = (owner: string, epoch: number): ClusterDocument => ({
  ...begun,
  work: { epoch, owner, attempts: 1 },
});

test("two workers at a time are told", () => {
  const { watch, hosts } = watched();
  const [one, other] = hosts;
  watch.onCommit({ host: one, role: "frontend" }, [change(rest, begun)]);
  watch.onCommit({ host: one, role: "backend" }, [change(begun, claimedBy("x", 1))]);
  expect(watch.violations).toEqual([]);
  const act = { resourceId: begun.resourceId, epoch: 1 };
  watch.onAct(one, act);
  watch.onRest(act);
  watch.onAct(one, act);
  expect(watch.violations).toEqual([]);
  watch.onCommit({ host: other, role: "backend" }, [change(claimedBy("x", 1), claimedBy("y", 2))]);
  expect(watch.violations).toEqual([]);
  watch.onAct(other, { ...act, epoch: 2 });
  expect(watch.violations.at(-1)).toContain("act on");
  watch.onAct(one, act);
  expect(watch.violations).toHaveLength(3);
  watch.onCommit({ host: one, role: "backend" }, [change(claimedBy("y", 2), claimedBy("y", 2))]);
  expect(watch.violations.at(-1)).toContain("wrote");
});

test("a cluster at rest whose record runs on is told", () => {
  const { watch, hosts } = watched();
  const [host] = hosts;
  watch.onCommit({ host, role: "frontend" }, [change(rest, begun)]);
  const claim = claimedBy("x", 1);
  watch.onCommit({ host, role: "backend" }, [change(begun, claim)]);
  const record = operationDocument("next");
  watch.onCommit({ host, role: "backend" }, [
    change(claim, { ...claim, provisioningState: "Succeeded" }),
    change(record, record),
  ]);
  expect(watch.violations).toHaveLength(1);
});
