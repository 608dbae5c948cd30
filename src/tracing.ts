/**
 * Puts the ids of whoever asks in front of the engines, and traces where a collector is set: a part of the composition. Without one,
 * nothing of the library is loaded.
 */
import type { Config } from "./config.ts";
import type { Engines } from "./engines.ts";
import type { Queue } from "./queue/queue.ts";
import { tracedQueue } from "./queue/tracedQueue.ts";
import { systemClock } from "./runtime/clock.ts";
import { systemRandom } from "./runtime/ids.ts";
import type { Log } from "./runtime/log.ts";
import type { OtlpTraces } from "./runtime/otlpTraces.ts";
import { untraced, type Traces, type Tracing } from "./runtime/traces.ts";
import { attributedStore } from "./store/attributedStore.ts";
import type { Store } from "./store/store.ts";
import { tracedStore } from "./store/tracedStore.ts";

/** The ports as the roles ask them. */
export interface TracedEngines {
  readonly store: Store;
  readonly queue: Queue;
}

/** `undefined` where no collector is set. */
export async function openTraces(
  { traces: settings }: Config,
  { version, log }: { readonly version: string; readonly log: Log },
): Promise<OtlpTraces | undefined> {
  if (settings === undefined) return undefined;
  const { OtlpTraces } = await import("./runtime/otlpTraces.ts");
  const effects = { clock: systemClock, random: systemRandom, fetch, log };
  return new OtlpTraces({ ...effects, settings, version });
}

/** What is asked for somebody says so, for the log; without traces nothing else stands in front of the engines. */
export function tracingOf(engines: Engines, traces: Traces | undefined): Tracing<TracedEngines> {
  const { store, systems } = engines;
  if (traces === undefined) {
    return {
      ...untraced(engines),
      enginesWithin: (_current, logIds) => ({
        store: attributedStore(store, logIds),
        get queue() {
          return engines.queue;
        },
      }),
    };
  }
  const messaging = {
    "messaging.system": systems.queue,
    "messaging.destination.name": systems.queueName,
  };
  return {
    traces,
    messaging,
    enginesWithin: (current, logIds) => ({
      store: tracedStore(attributedStore(store, logIds), {
        traces,
        system: systems.store,
        current,
      }),
      get queue() {
        return tracedQueue(engines.queue, { traces, messaging, current });
      },
    }),
  };
}
