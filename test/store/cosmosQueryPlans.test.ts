/** When the plan of a query is asked for: over a client that the test answers for, as the gateway of no peer refuses a query. */
import {
  createHttpHeaders,
  createPipelineRequest,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
} from "@azure/core-rest-pipeline";
import { expect, test } from "vitest";
import { withoutNeedlessPlans } from "../../src/store/cosmosQueryPlans.ts";

interface Arrived {
  readonly request: PipelineRequest;
  readonly answer: PromiseWithResolvers<PipelineResponse>;
}

class Gateway implements HttpClient {
  readonly arrived: Arrived[] = [];

  async sendRequest(request: PipelineRequest): Promise<PipelineResponse> {
    const answer = Promise.withResolvers<PipelineResponse>();
    this.arrived.push({ request, answer });
    return answer.promise;
  }

  /** Answers the request that came at this place. */
  answer(place: number, status: number): void {
    const { request, answer } = this.arrived[place] ?? {};
    if (request === undefined) throw new Error("nothing has come");
    answer?.resolve({ request, status, headers: createHttpHeaders(), bodyAsText: "[]" });
  }
}

function requestOf(kind: "query" | "plan" | "read", name: string, abortSignal?: AbortSignal) {
  return createPipelineRequest({
    url: "http://127.0.0.1/",
    ...(abortSignal === undefined ? {} : { abortSignal }),
    headers: createHttpHeaders({
      ...(kind === "read" ? {} : { "x-ms-cosmos-correlated-activityid": name }),
      ...(kind === "query" ? { "x-ms-documentdb-isquery": "true" } : {}),
      ...(kind === "plan" ? { "x-ms-cosmos-is-query-plan-request": "True" } : {}),
    }),
  });
}

function opened() {
  const gateway = new Gateway();
  return { gateway, client: withoutNeedlessPlans(gateway, createHttpHeaders()) };
}

/** What has settled by the time that everything that could go on has gone on. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settle = (): void => void (isSettled = true);
  promise.then(settle, settle);
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  return isSettled;
}

test.each(["the plan", "the query"])("of an answered query, when %s comes first", async (first) => {
  const { gateway, client } = opened();
  const send = (kind: "query" | "plan") => client.sendRequest(requestOf(kind, "a"));
  const [query, plan] =
    first === "the query"
      ? [send("query"), send("plan")]
      : ([send("plan"), send("query")].toReversed() as [
          Promise<PipelineResponse>,
          Promise<PipelineResponse>,
        ]);
  expect(gateway.arrived).toHaveLength(1);
  expect(await settled(plan)).toBe(false);
  gateway.answer(0, 200);
  expect((await query).bodyAsText).toBe("[]");
  expect(await plan).toMatchObject({ status: 200, bodyAsText: "{}" });
  expect(gateway.arrived).toHaveLength(1);
});

test("of a query that was answered before the plan was asked for", async () => {
  const { gateway, client } = opened();
  const query = client.sendRequest(requestOf("query", "a"));
  gateway.answer(0, 200);
  await query;
  expect(await client.sendRequest(requestOf("plan", "a"))).toMatchObject({ bodyAsText: "{}" });
  expect(gateway.arrived).toHaveLength(1);
});

test("the plan of a refused query is asked for, and no other's", async () => {
  const { gateway, client } = opened();
  const plan = client.sendRequest(requestOf("plan", "a"));
  const otherPlan = client.sendRequest(requestOf("plan", "b"));
  const query = client.sendRequest(requestOf("query", "a"));
  void client.sendRequest(requestOf("query", "b"));
  gateway.answer(0, 400);
  expect((await query).status).toBe(400);
  await expect.poll(() => gateway.arrived).toHaveLength(3);
  expect(await settled(otherPlan)).toBe(false);
  gateway.answer(2, 200);
  expect((await plan).bodyAsText).toBe("[]");
});

test("of a query without an answer", async () => {
  const { gateway, client } = opened();
  const plan = client.sendRequest(requestOf("plan", "a"));
  const query = client.sendRequest(requestOf("query", "a"));
  gateway.arrived[0]?.answer.reject(new Error("reset"));
  await expect(query).rejects.toThrow("reset");
  expect(await plan).toMatchObject({ bodyAsText: "{}" });
  expect(gateway.arrived).toHaveLength(1);
});

test("a plan whose query never comes ends with its signal", async () => {
  const { gateway, client } = opened();
  const limit = new AbortController();
  const plan = client.sendRequest(requestOf("plan", "a", limit.signal));
  expect(await settled(plan)).toBe(false);
  limit.abort(new Error("the end"));
  await expect(plan).rejects.toThrow("the end");
  expect(gateway.arrived).toEqual([]);
});

test("queries whose plans never come are forgotten, and what still waits is asked for", async () => {
  const { gateway, client } = opened();
  const plan = client.sendRequest(requestOf("plan", "first"));
  for (let n = 0; n < 1_000; n += 1) {
    const query = client.sendRequest(requestOf("query", String(n)));
    gateway.answer(n, 200);
    await query;
  }
  await expect.poll(() => gateway.arrived).toHaveLength(1_001);
  gateway.answer(1_000, 200);
  expect((await plan).bodyAsText).toBe("[]");
});

test("what is neither is let through", async () => {
  const { gateway, client } = opened();
  const read = client.sendRequest(requestOf("read", ""));
  gateway.answer(0, 400);
  expect((await read).status).toBe(400);
});
