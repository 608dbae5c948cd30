/**
 * Keeps back the plans of queries. The SDK asks for one beside every query and looks at it only when the gateway has refused to answer
 * the query by itself, which none of the store's makes it do (`cosmosQueries.ts`): every second request would be for nothing. So a
 * plan is asked for no sooner than its query was refused. It must never keep back anything else, nor a plan for longer than its query
 * takes.
 */
import type { HttpClient, HttpHeaders, PipelineResponse } from "@azure/core-rest-pipeline";
import { untilAborted } from "../runtime/deadlineSignal.ts";

/** The SDK gives a query and its plan the same. */
const correlationHeader = "x-ms-cosmos-correlated-activityid";
const planHeader = "x-ms-cosmos-is-query-plan-request";
const queryHeader = "x-ms-documentdb-isquery";

/** More queries than ever are under way at once: whatever is older has lost its plan or its query on the way. */
const rememberedMax = 1_000;

/** Whether the gateway has refused the query. */
type Refused = PromiseWithResolvers<boolean>;

/**
 * The client, but for plans that nobody needs: they are answered by an empty one.
 *
 * @param noHeaders of that answer.
 */
export function withoutNeedlessPlans(http: HttpClient, noHeaders: HttpHeaders): HttpClient {
  const queries = new Map<string, Refused>();
  const queryOf = (name: string): Refused => {
    const known = queries.get(name);
    if (known !== undefined) return known;
    const refused = Promise.withResolvers<boolean>();
    queries.set(name, refused);
    const [oldest] = queries.keys();
    if (queries.size > rememberedMax && oldest !== undefined) {
      // who still waits for it asks for the plan, as the SDK would have it
      queries.get(oldest)?.resolve(true);
      queries.delete(oldest);
    }
    return refused;
  };
  return {
    sendRequest: async (request) => {
      const name = request.headers.get(correlationHeader);
      if (name === undefined) return http.sendRequest(request);
      if (request.headers.has(planHeader)) {
        const { promise } = queryOf(name);
        const { abortSignal } = request;
        try {
          // should the query come to nothing on its way here, the plan ends by the SDK's own limit
          const isNeeded = await (abortSignal instanceof AbortSignal
            ? untilAborted(abortSignal, async () => promise)
            : promise);
          if (isNeeded) return await http.sendRequest(request);
          const empty: PipelineResponse = { request, status: 200, headers: noHeaders };
          return { ...empty, bodyAsText: "{}" };
        } finally {
          queries.delete(name);
        }
      }
      if (!request.headers.has(queryHeader)) return http.sendRequest(request);
      const { resolve } = queryOf(name);
      let isRefused = false;
      try {
        const response = await http.sendRequest(request);
        isRefused = response.status === 400;
        return response;
      } finally {
        resolve(isRefused);
      }
    },
  };
}
