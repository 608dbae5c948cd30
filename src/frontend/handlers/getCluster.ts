/** GET of a cluster: as stored, in every state (ARM-55). */
import { clusterAnswer } from "../clusterWrite.ts";
import { readCluster } from "../commitCluster.ts";
import type { Handler } from "../exchange.ts";
import { resourceNotFound } from "../resourceNotFound.ts";

export const getCluster: Handler = {
  right: "read",
  async handle(exchange) {
    // nothing of them is shown: a GET is answered also when they can't be opened
    const stored = await readCluster(exchange, { openSecrets: false });
    if (stored === undefined) throw resourceNotFound(exchange);
    return clusterAnswer(exchange, 200, stored.document);
  },
};
