/** PATCH of a cluster: a merge on the external form (ARM-46 to ARM-54). It never creates (ARM-49). */
import { clusterChange } from "../../model/clusterChange.ts";
import { written } from "../../model/document.ts";
import { withWrite } from "../../model/recentWrites.ts";
import { withRevision } from "../../model/revision.ts";
import type { WireObject } from "../../versions/apiVersion.ts";
import {
  checkIdle,
  clusterAnswer,
  newOperation,
  noteOperation,
  withoutFaults,
  writeContext,
} from "../clusterWrite.ts";
import { commitCluster } from "../commitCluster.ts";
import type { Handler } from "../exchange.ts";
import { acceptedHeaders } from "../operationLinks.ts";
import { checkPreconditions } from "../preconditions.ts";
import { resourceNotFound } from "../resourceNotFound.ts";
import { startUpdate } from "../../model/startOperation.ts";
import { systemDataAfter } from "../systemData.ts";

export const patchCluster: Handler = {
  right: "write",
  judgesBody: true,
  async handle(exchange) {
    const { context, services, version, body, bodyFaults } = exchange;
    const start = newOperation(exchange);
    return commitCluster(exchange, async (stored) => {
      // even with If-Match (ARM-99)
      if (stored === undefined) throw resourceNotFound(exchange);
      const current = stored.document;
      checkIdle(exchange, current);
      checkPreconditions(context, current);
      const asked = withoutFaults(
        version.readPatch(body as WireObject, current, writeContext(exchange, current)),
        bodyFaults,
      );
      const systemData = systemDataAfter(context, current.cluster);
      const goal = {
        secrets: asked.secrets,
        cluster: { ...asked.cluster, ...(systemData === undefined ? {} : { systemData }) },
      };
      const change = clusterChange(current, goal);
      if (change === "none") return clusterAnswer(exchange, 200, current);
      if (change === "tags") {
        const next = { ...written(current), cluster: goal.cluster };
        const cluster = withWrite(withRevision(current, next, start.revision), start.operationId);
        return {
          writes: [{ replace: stored, document: cluster }],
          mark: { writeId: start.operationId },
          answer: clusterAnswer(exchange, 200, cluster),
        };
      }
      await services.backlog.admit(context);
      const { cluster, operation } = startUpdate(current, goal, start);
      noteOperation(exchange, operation);
      return {
        writes: [{ replace: stored, document: cluster }, { create: operation }],
        mark: { operationId: operation.id },
        answer: { status: 202, headers: acceptedHeaders(operation, exchange) },
      };
    });
  },
};
