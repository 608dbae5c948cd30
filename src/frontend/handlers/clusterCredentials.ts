/** The credentials of a cluster: the only answer that ever holds a secret (ARM-70 to ARM-74, decisions 8 and 19). */
import { RpError } from "../../model/rpError.ts";
import { readCluster } from "../commitCluster.ts";
import type { Handler } from "../exchange.ts";
import { resourceNotFound } from "../resourceNotFound.ts";

export const clusterCredentials: Handler = {
  async handle(exchange) {
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
