/**
 * One measurement: a server is asked the requests of one scenario by autocannon, each connection as soon as it has its answer,
 * and its processor time is read before and after. Every answer is looked at.
 */
import autocannon from "autocannon";
import { cpuMsOf } from "./processFigures.ts";
import { answerFault, scenarioHeader, type BenchRequest, type Expected } from "./scenarios.ts";
import { percentile } from "./statistics.ts";

export interface LoadOptions {
  readonly server: { readonly url: string; readonly pid: number };
  /** For the server's sake. */
  readonly scenario: string;
  /** The next request. */
  readonly next: () => BenchRequest;
  readonly expected: Expected;
  /** Whether each answer must be to its own request. */
  readonly echoes: boolean;
  readonly connections: number;
  readonly seconds: number;
  /** It ends after so many, if not by its time before; `Infinity` for any number. */
  readonly requestsMax: number;
}

/** What came of it. */
export interface Load {
  readonly requests: number;
  readonly seconds: number;
  readonly cpuMs: number;
  readonly latencyMedianMs: number;
  readonly latencyP99Ms: number;
  /** Answers that were not as expected, and requests without one. */
  readonly errors: number;
  /** The first of them, in words. */
  readonly firstError?: string;
}

/** How often autocannon looks whether the time is up. */
const lookMs = 20;

export async function measureLoad(options: LoadOptions): Promise<Load> {
  const { server, scenario, next, expected, echoes, seconds, requestsMax } = options;
  const connections = Math.min(options.connections, requestsMax);
  const latencies: number[] = [];
  let sent = 0;
  let errors = 0;
  let firstError: string | undefined;
  const wrong = (what: string, count = 1): void => {
    errors += count;
    firstError ??= what;
  };

  const cpuBefore = cpuMsOf(server.pid);
  const begun = performance.now();
  let lastAt = begun;
  const run = autocannon({
    url: server.url,
    connections,
    duration: seconds,
    sampleInt: lookMs,
    ...(requestsMax === Infinity ? {} : { maxOverallRequests: requestsMax }),
    requests: [
      {
        setupRequest: (request, context) => {
          const { method, path, body, echo } = next();
          sent += 1;
          (context as { echo?: string | undefined }).echo = echo;
          return {
            ...request,
            method,
            path,
            body,
            headers: {
              [scenarioHeader]: scenario,
              ...(body === undefined ? {} : { "content-type": "application/json" }),
            },
          };
        },
        onResponse: (status, body, context) => {
          const { echo } = context as { readonly echo?: string };
          const fault = answerFault({ status, body }, expected, echoes ? echo : undefined);
          if (fault !== undefined) wrong(fault);
        },
      },
    ],
  }) as unknown as autocannon.Instance & PromiseLike<autocannon.Result>;

  run.on("response", (_client, _status, _bytes, latencyMs) => {
    latencies.push(latencyMs);
    lastAt = performance.now();
  });
  const { errors: failed } = await run;
  const cpuMs = cpuMsOf(server.pid) - cpuBefore;
  // when its time is up, each connection still waits for an answer
  const waiting = performance.now() - begun < seconds * 1_000 ? 0 : connections;
  // autocannon doesn't count those whose connection was closed
  const unanswered = Math.max(failed, sent - latencies.length - waiting);
  if (unanswered > 0) wrong(`${unanswered} requests got no answer`, unanswered);
  return {
    requests: latencies.length,
    seconds: (lastAt - begun) / 1_000,
    cpuMs,
    latencyMedianMs: percentile(latencies, 50),
    latencyP99Ms: percentile(latencies, 99),
    errors,
    ...(firstError === undefined ? {} : { firstError }),
  };
}
