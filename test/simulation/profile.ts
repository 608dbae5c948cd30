/**
 * What a seed decides before its run begins: how many processes there are, what each does, by which times they go, and what goes
 * wrong how often. Some runs are calm in one way and stormy in another, since a fault that is everywhere hides others.
 */
import type { Timing } from "../../src/model/timing.ts";
import type { Chance } from "./chance.ts";

export type Role = "frontend" | "forwarder" | "backend";

/** How often things go wrong, each a probability. */
export interface Weather {
  /** That a call to store, queue or cloud goes wrong. */
  readonly call: number;
  /** That a process dies at one of the moments of a call: before it leaves, when it arrives, before its answer is taken. */
  readonly death: number;
  /** That it stands still there. */
  readonly standing: number;
  /** That it is cut off from store or queue for a while, per second. */
  readonly partition: number;
  /** That a message is lost, repeated or shown too early, per second. */
  readonly message: number;
  /** That a process is asked to stop, per second. */
  readonly stop: number;
  /** That a step fails for now, asks to be called again, or takes long. */
  readonly step: number;
  /** That a step fails for good. */
  readonly doom: number;
  /** That an operation has a step that kills whoever begins it. */
  readonly deadly: number;
}

export interface Profile {
  readonly timing: Timing;
  /** How far two processes' wall clocks may be apart. */
  readonly skewMs: number;
  /** How often the loops look without being nudged. */
  readonly intervalMs: number;
  /** The roles of each process. */
  readonly hosts: readonly (readonly Role[])[];
  readonly workers: number;
  readonly clients: number;
  /** How many requests each client makes. */
  readonly requests: number;
  /** Between the requests of a client, at most. */
  readonly thinkMs: number;
  readonly weather: Weather;
  /** Whether subscriptions come and go. */
  readonly announcements: boolean;
  /** Whether one cluster is created and deleted again and again. */
  readonly churn: boolean;
}

/** The embedded engine's figures. */
const embedded: Timing = { heartbeatMs: 2_000, leaseMs: 6_000, visibilityMs: 8_000 };
/** Those of the Azure engines, where processes run on machines of their own. */
const azure: Timing = { heartbeatMs: 10_000, leaseMs: 45_000, visibilityMs: 60_000 };

const all: readonly Role[] = ["frontend", "forwarder", "backend"];
const layouts: readonly (readonly (readonly Role[])[])[] = [
  [all],
  [all, all],
  [all, all, all],
  [["frontend", "forwarder"], ["backend"], ["backend"]],
  [["frontend"], ["frontend", "forwarder"], ["forwarder", "backend"], ["backend"]],
  [["frontend"], ["forwarder"], ["forwarder"], ["backend"], all],
];

export function profileOf(chance: Chance): Profile {
  const isAzure = chance.happens(0.3);
  const timing = isAzure ? azure : embedded;
  const rate = (most: number): number =>
    chance.happens(0.4) ? 0 : most * chance.fraction() * chance.fraction();
  return {
    timing,
    skewMs: isAzure ? chance.pick([0, 5_000, 30_000]) : 0,
    intervalMs: timing.heartbeatMs,
    hosts: chance.pick(layouts),
    workers: chance.pick([1, 2, 4]),
    clients: 1 + chance.below(3),
    requests: 4 + chance.below(8),
    thinkMs: timing.leaseMs * chance.pick([0.05, 0.3, 1]),
    weather: {
      call: rate(0.2),
      death: rate(0.04),
      standing: rate(0.04),
      partition: rate(0.1),
      message: rate(0.5),
      // now and then all processes are replaced, one after another and again and again
      stop: chance.happens(0.1) ? 0.6 : rate(0.2),
      step: rate(0.6),
      doom: chance.happens(0.8) ? 0 : 0.1,
      deadly: chance.happens(0.9) ? 0 : 0.3,
    },
    announcements: chance.happens(0.4),
    churn: chance.happens(0.15),
  };
}
