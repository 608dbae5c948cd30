/** Which waits the SDKs are left to: only those that they surely take for short ones too. */
import { createHttpHeaders, createPipelineRequest } from "@azure/core-rest-pipeline";
import { expect, test } from "vitest";
import { refusingLongWaits } from "../../../../src/installers/azure/failures/answerPolicies.ts";
import { readFailure } from "../../../../src/installers/azure/failures/azureErrors.ts";

/** What a client is given for an answer with these headers. */
async function given(status: number, headers: Record<string, string>): Promise<unknown> {
  const request = createPipelineRequest({ url: "https://management.example/a" });
  const response = { request, status, headers: createHttpHeaders(headers), bodyAsText: "{}" };
  return await refusingLongWaits
    .sendRequest(request, async () => response)
    .then(
      () => "passed",
      (error: unknown) => readFailure(error)?.retryAfterMs ?? "refused",
    );
}

const now = "Sun, 29 Nov 2026 04:00:00 GMT";
const soon = "Sun, 29 Nov 2026 04:00:01 GMT";

test.each<[string, Record<string, string>, unknown]>([
  ["no time", {}, "passed"],
  ["two seconds", { "retry-after": "2" }, "passed"],
  ["three seconds", { "retry-after": "3" }, 3_000],
  ["few milliseconds", { "retry-after-ms": "200" }, "passed"],
  ["milliseconds of some seconds", { "x-ms-retry-after-ms": "2001" }, 2_001],
  // the SDKs compare dates with the local clock, which may be an hour behind Azure's
  ["a date that is soon by Azure's clock", { date: now, "retry-after": soon }, 1_000],
  ["a date without Azure's clock", { "retry-after": soon }, "refused"],
  ["words", { "retry-after": "later" }, "refused"],
  ["an exponent", { "retry-after": "1e5" }, "refused"],
  ["an empty time before a long one", { "retry-after-ms": "", "retry-after": "3600" }, 3_600_000],
])("a 429 with %s", async (_what, headers, expected) => {
  expect(await given(429, headers)).toBe(expected);
});

test("a 503 is treated alike, and other answers are left alone", async () => {
  expect(await given(503, { "retry-after": soon })).toBe("refused");
  expect(await given(500, { "retry-after": "3600" })).toBe("passed");
});
