/** The credentials of a cluster: the only answer that ever holds a secret (ARM-70 to ARM-74, decisions 8 and 19). */
import { RpError } from "../../model/rpError.ts";
import { readCluster } from "../commitCluster.ts";
import type { Handler } from "../exchange.ts";
import { shown } from "../../model/shownText.ts";
import { resourceNotFound } from "../resourceNotFound.ts";

export const clusterCredentials: Handler = {
  right: "action",
  async handle(exchange) {
    checkNoParameters(exchange.body);
    const stored = await readCluster(exchange);
    if (stored === undefined) throw resourceNotFound(exchange);
    const { name, provisioningState } = stored.document;
    const body = exchange.version.showCredentials(stored.document);
    if (provisioningState === "Deleting" || body === undefined) {
      throw new RpError({
        code: "Conflict",
        message:
          provisioningState === "Deleting"
            ? `The cluster '${name}' is being deleted; it has no credentials any more.`
            : `The cluster '${name}' has no credentials yet; they come with its installation.`,
      });
    }
    return { status: 200, body };
  },
};

/**
 * The action has no parameters: no body at all, or an empty object (ARM-73).
 *
 * @throws {RpError} `InvalidRequestContent`.
 */
function checkNoParameters(body: unknown): void {
  if (body === undefined) return;
  if (typeof body === "object" && body !== null && !Array.isArray(body)) {
    const [unknown] = Object.keys(body);
    if (unknown === undefined) return;
    throw new RpError({
      code: "InvalidRequestContent",
      message: `'${shown(unknown)}' is not a member that this api-version knows.`,
      target: shown(unknown),
    });
  }
  throw new RpError({
    code: "InvalidRequestContent",
    message: "The body must be absent or an empty JSON object.",
  });
}
