/** PUT of a cluster: create or replace (ARM-30 to ARM-44). */
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
import { clusterNameOf, type Handler } from "../exchange.ts";
import { startedHeaders } from "../operationLinks.ts";
import { checkPreconditions } from "../preconditions.ts";
import { startCreate, startUpdate } from "../../model/startOperation.ts";
import { systemDataAfter } from "../systemData.ts";

export const putCluster: Handler = {
  right: "write",
  judgesBody: true,
  async handle(exchange) {
    const { context, services, version, body, bodyFaults } = exchange;
    const start = newOperation(exchange);
    const incarnationId = services.ids.guid();
    return commitCluster(exchange, async (stored) => {
      const current = stored?.document;
      checkIdle(exchange, current);
      checkPreconditions(context, current);
      const asked = withoutFaults(
        version.readPut(body as WireObject, current, writeContext(exchange, current)),
        bodyFaults,
      );
      const systemData = systemDataAfter(context, current?.cluster);
      const goal = {
        secrets: asked.secrets,
        cluster: { ...asked.cluster, ...(systemData === undefined ? {} : { systemData }) },
      };

      if (stored === undefined) {
        await services.backlog.admit(context);
        const { cluster, operation } = startCreate(clusterNameOf(exchange), goal, {
          ...start,
          incarnationId,
        });
        noteOperation(exchange, operation);
        return {
          writes: [{ create: cluster }, { create: operation }],
          mark: { operationId: operation.id },
          answer: clusterAnswer(exchange, 201, cluster, startedHeaders(operation, exchange)),
        };
      }

      const change = clusterChange(stored.document, goal);
      // a PUT on a cluster whose last operation failed always starts anew (decision 17)
      const settled = stored.document.provisioningState === "Succeeded";
      if (settled && change === "none") return clusterAnswer(exchange, 200, stored.document);
      if (settled && change === "tags") {
        const next = { ...written(stored.document), cluster: goal.cluster };
        const cluster = withWrite(
          withRevision(stored.document, next, start.revision),
          start.operationId,
        );
        return {
          writes: [{ replace: stored, document: cluster }],
          mark: { writeId: start.operationId },
          answer: clusterAnswer(exchange, 200, cluster),
        };
      }
      await services.backlog.admit(context);
      const { cluster, operation } = startUpdate(stored.document, goal, start);
      noteOperation(exchange, operation);
      return {
        writes: [{ replace: stored, document: cluster }, { create: operation }],
        mark: { operationId: operation.id },
        answer: clusterAnswer(exchange, 200, cluster, startedHeaders(operation, exchange)),
      };
    });
  },
};
