/** Each alert fires at what it is for, and is silent at what looks like it. `for` isn't looked at: it only waits. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { evaluate, type Series } from "./evaluatePromql.ts";

interface Rule {
  readonly alert: string;
  readonly expr: string;
}
const file = parse(readFileSync(new URL("../../deploy/alerts.yaml", import.meta.url), "utf8")) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = new Map(
  file.groups.flatMap((group) => group.rules.map(({ alert, expr }) => [alert, expr] as const)),
);

/** A value that has been the same for hours, or a counter that grows by so much each minute. */
function series(
  name: string,
  value: number | { readonly perMinute: number },
  labels: Readonly<Record<string, string>> = {},
): Series {
  const samples = Array.from({ length: 121 }, (_, minute) =>
    typeof value === "number" ? value : 1_000 + minute * value.perMinute,
  );
  return { name, labels: { job: "openshift-rp", instance: "one", ...labels }, samples };
}

const another = { instance: "other" };
/** Of a program that isn't ours. */
const foreign = { job: "another" };
const requests = "rp_http_request_duration_seconds_count";
const storeCalls = "rp_store_call_duration_seconds_count";
const queueCalls = "rp_queue_call_duration_seconds_count";
const ended = "rp_operations_ended_total";

/** A single event between two samples, some minutes ago. */
function once(name: string, labels: Readonly<Record<string, string>> = {}): Series {
  const one = series(name, 0, labels);
  return { ...one, samples: one.samples.map((_, minute) => (minute > 118 ? 1 : 0)) };
}

const cases: Readonly<
  Record<
    string,
    {
      readonly fires: Readonly<Record<string, readonly Series[]>>;
      readonly silent: Readonly<Record<string, readonly Series[]>>;
    }
  >
> = {
  OpenShiftRpDown: {
    fires: { "one of two is gone": [series("up", 0), series("up", 1, another)] },
    silent: {
      "all answer": [series("up", 1)],
      "another program is gone": [series("up", 0, foreign)],
    },
  },
  OpenShiftRpRestarts: {
    fires: {
      "a start every five minutes": [
        {
          ...series("process_start_time_seconds", 0),
          samples: Array.from({ length: 121 }, (_, minute) => Math.floor(minute / 5)),
        },
      ],
    },
    silent: { "no start": [series("process_start_time_seconds", 5)] },
  },
  OpenShiftRpNoForwarder: {
    fires: {
      "all wait": [
        series("rp_forwarder_lease_held", 0),
        series("rp_forwarder_lease_held", 0, another),
      ],
      "there is none": [series("up", 1)],
    },
    silent: {
      "one holds it": [
        series("rp_forwarder_lease_held", 0),
        series("rp_forwarder_lease_held", 1, another),
      ],
    },
  },
  OpenShiftRpNoBackend: {
    fires: {
      "there is none": [series("up", 1)],
      "only a foreign one": [series("rp_worker_slots", 4, foreign)],
    },
    silent: { "there is one": [series("rp_worker_slots", 4)] },
  },
  OpenShiftRpNoFrontend: {
    fires: { "there is none": [series("up", 1)] },
    silent: { "there is one, without a limit": [series("rp_operations_limit", 0)] },
  },
  OpenShiftRpNotCounted: {
    fires: { "the holder tells of no operations": [series("rp_forwarder_lease_held", 1)] },
    silent: {
      "none is under way": [series("rp_forwarder_lease_held", 1), series("rp_operations", 0)],
      "nobody holds the lease": [series("rp_forwarder_lease_held", 0)],
    },
  },
  OpenShiftRpSealingKeysNotRead: {
    fires: {
      "read last half an hour ago": [series("rp_sealing_keys_age_seconds", 1_800)],
      "again and again in vain": [series("rp_sealing_key_read_failures_total", { perMinute: 0.2 })],
    },
    silent: {
      "read a moment ago, and once in vain": [
        series("rp_sealing_keys_age_seconds", 60),
        series("rp_sealing_key_read_failures_total", 1),
      ],
    },
  },
  OpenShiftRpOperationTooOld: {
    fires: { "three hours": [series("rp_oldest_operation_age_seconds", 10_800)] },
    silent: { "one hour": [series("rp_oldest_operation_age_seconds", 3_600)] },
  },
  OpenShiftRpOperationsFail: {
    fires: {
      "half of many": [
        series(ended, { perMinute: 1 }, { outcome: "failed" }),
        series(ended, { perMinute: 1 }, { outcome: "succeeded" }),
      ],
    },
    silent: {
      "a few of many": [
        series(ended, { perMinute: 1 }, { outcome: "failed" }),
        series(ended, { perMinute: 9 }, { outcome: "succeeded" }),
      ],
      "the only one": [once(ended, { outcome: "failed" })],
      "what was canceled": [series(ended, { perMinute: 5 }, { outcome: "canceled" })],
    },
  },
  OpenShiftRpBacklogNearLimit: {
    fires: {
      "kinds together": [
        series("rp_operations", 50, { kind: "create" }),
        series("rp_operations", 40, { kind: "update" }),
        series("rp_operations_limit", 100),
        series("rp_operations_limit", 100, another),
      ],
    },
    silent: {
      "half of it": [series("rp_operations", 50), series("rp_operations_limit", 100)],
      "no limit": [series("rp_operations", 5_000), series("rp_operations_limit", 0)],
    },
  },
  OpenShiftRpOperationsRefused: {
    fires: { "one was": [once("rp_operations_refused_total")] },
    silent: { "some were, yesterday": [series("rp_operations_refused_total", 7)] },
  },
  OpenShiftRpWorkersBusy: {
    fires: { "all are": [series("rp_workers_busy", 4), series("rp_worker_slots", 4)] },
    silent: {
      "one backend of two": [
        series("rp_workers_busy", 4),
        series("rp_workers_busy", 0, another),
        series("rp_worker_slots", 4),
        series("rp_worker_slots", 4, another),
      ],
    },
  },
  OpenShiftRpMessagesLost: {
    fires: {
      "workers are free": [
        series("rp_sweep_flagged_total", { perMinute: 1 }),
        series("rp_workers_busy", 1),
        series("rp_worker_slots", 4),
      ],
    },
    silent: {
      "all wait behind a full queue": [
        series("rp_sweep_flagged_total", { perMinute: 1 }),
        series("rp_workers_busy", 4),
        series("rp_worker_slots", 4),
      ],
      "a single one": [
        once("rp_sweep_flagged_total"),
        series("rp_workers_busy", 1),
        series("rp_worker_slots", 4),
      ],
    },
  },
  OpenShiftRpServerErrors: {
    fires: {
      "one of ten": [
        series(requests, { perMinute: 10 }, { status_class: "5xx" }),
        series(requests, { perMinute: 90 }, { status_class: "2xx" }),
        series("rp_operations_refused_total", 0),
      ],
    },
    silent: {
      "the limit's own": [
        series(requests, { perMinute: 10 }, { status_class: "5xx" }),
        series(requests, { perMinute: 90 }, { status_class: "2xx" }),
        series("rp_operations_refused_total", { perMinute: 9 }),
      ],
      "what callers did wrong": [
        series(requests, { perMinute: 90 }, { status_class: "4xx" }),
        series("rp_operations_refused_total", 0),
      ],
    },
  },
  OpenShiftRpStoreErrors: {
    fires: {
      "it is down": [series(storeCalls, { perMinute: 10 }, { outcome: "unavailable" })],
      "it hangs, and callers give up": [
        series(storeCalls, { perMinute: 5 }, { outcome: "aborted" }),
        series(storeCalls, { perMinute: 90 }, { outcome: "ok" }),
      ],
    },
    silent: {
      "a stop gives up one call of few": [
        once(storeCalls, { outcome: "aborted" }),
        series(storeCalls, { perMinute: 4 }, { outcome: "ok" }),
      ],
      "races, and links of users": [
        series(storeCalls, { perMinute: 50 }, { outcome: "conflict" }),
        series(storeCalls, { perMinute: 50 }, { outcome: "invalid" }),
      ],
      "few of very many": [
        series(storeCalls, { perMinute: 5 }, { outcome: "error" }),
        series(storeCalls, { perMinute: 5_000 }, { outcome: "ok" }),
      ],
    },
  },
  OpenShiftRpQueueErrors: {
    fires: { "it is down": [series(queueCalls, { perMinute: 10 }, { outcome: "unavailable" })] },
    silent: {
      "messages that others took": [series(queueCalls, { perMinute: 10 }, { outcome: "lost" })],
      "a stop gives up one call of few": [
        once(queueCalls, { outcome: "aborted" }),
        series(queueCalls, { perMinute: 4 }, { outcome: "ok" }),
      ],
    },
  },
  OpenShiftRpLogLinesDropped: {
    fires: { "some were": [series("rp_log_lines_dropped_total", { perMinute: 1 })] },
    silent: { "none were": [series("rp_log_lines_dropped_total", 0)] },
  },
};

test("every alert has its cases", () => {
  expect(Object.keys(cases).toSorted()).toEqual([...rules.keys()].toSorted());
});

describe.each(Object.entries(cases))("%s", (alert, { fires, silent }) => {
  const expression = rules.get(alert) ?? "";
  test.each(Object.entries(fires))("fires: %s", (_case, present) => {
    expect(evaluate(expression, present)).not.toEqual([]);
  });
  test.each(Object.entries(silent))("is silent: %s", (_case, present) => {
    expect(evaluate(expression, present)).toEqual([]);
  });
  test("is silent for another program", () => {
    // of what isn't there at all, another program's is no sign
    if (/absent|vector/.test(expression)) return;
    for (const present of Object.values(fires)) {
      const theirs = present.map((each) => ({ ...each, labels: { ...each.labels, ...foreign } }));
      expect(evaluate(expression, theirs)).toEqual([]);
    }
  });
});

test("what the evaluation doesn't know is an error", () => {
  for (const expression of [
    "sum by (a) (up)",
    "up offset 5m",
    "avg(up)",
    "up >= 1",
    "1",
    "rate(up)",
  ]) {
    expect(() => evaluate(expression, [series("up", 1)])).toThrow(SyntaxError);
  }
});
