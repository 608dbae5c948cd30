/**
 * Whether an answer is about what was asked. What isn't must never be taken for a thing that isn't the cluster's: a deletion would
 * leave machines behind that somebody pays for.
 */
import { RestError } from "@azure/core-rest-pipeline";
import { isSameName } from "../sameName.ts";

/**
 * The answer to a look at something by its name; nothing when it isn't there.
 *
 * @throws {RestError} without a status, an outage, when it tells of something else or of nothing, as what a proxy answers.
 */
export function namedAnswer<Value extends { readonly name?: string | undefined }>(
  answer: Value | undefined,
  name: string,
): Value | undefined {
  if (answer === undefined || isSameName(answer.name, name)) return answer;
  throw new RestError("the answer is not about what was asked", { code: RestError.PARSE_ERROR });
}
