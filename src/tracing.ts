/**
 * Puts traces in front of the engines, where a collector is set: a part of the composition. Without one, nothing of the library is
 * loaded and nothing stands in between.
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

/** Without traces nothing stands in front of the engines. */
export function tracingOf(engines: Engines, traces: Traces | undefined): Tracing<TracedEngines> {
  if (traces === undefined) return untraced(engines);
  const { store, systems } = engines;
  const messaging = {
    "messaging.system": systems.queue,
    "messaging.destination.name": systems.queueName,
  };
  return {
    traces,
    messaging,
    enginesWithin: (current) => ({
      store: tracedStore(store, { traces, system: systems.store, current }),
      get queue() {
        return tracedQueue(engines.queue, { traces, messaging, current });
      },
    }),
  };
}
