/**
 * The way of a request to the operator's listener, in order: its context, health, who asks, metrics, its route by the contract,
 * its body, its handler, its line in the audit log, and whatever was thrown on the way. It opens no port.
 */
import { checkReads } from "../listener/methodNotAllowed.ts";
import type { RequestListener } from "node:http";
import type { ErrorRequestHandler, Request, RequestHandler, Response } from "express";
import { sendAnswer } from "../listener/answer.ts";
import { answerErrors } from "../listener/answerErrors.ts";
import { Attachment } from "../listener/attachment.ts";
import { callerOf, type Authenticator } from "../listener/authenticator.ts";
import { beginApp } from "../listener/beginApp.ts";
import { asRpError } from "../listener/errorAnswer.ts";
import type { HealthOptions } from "../listener/health.ts";
import { readBody } from "../listener/readBody.ts";
import { contextOf } from "../listener/requestContext.ts";
import { requestListener } from "../listener/requestListener.ts";
import type { RequestPath } from "../listener/requestPath.ts";
import type { Limits } from "../model/limits.ts";
import type { Log } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { untraced, type Tracing } from "../runtime/traces.ts";
import type { AdminContract, AdminRoute } from "./adminContract.ts";
import { audit, auditIntent, type AuditedCall } from "./audit.ts";
import type { AdminServices } from "./exchange.ts";

export interface AdminAppOptions extends HealthOptions {
  readonly contract: AdminContract;
  readonly services: AdminServices;
  readonly metrics: Metrics;
  readonly limits: Pick<Limits, "request" | "body">;
  readonly log: Log;
  /** None when absent. */
  readonly tracing?: Tracing<Pick<AdminServices, "store">>;
  readonly authenticator: Authenticator;
}

/** No action takes a larger body. */
const bodyLimitBytes = 4 * 1024;

interface FoundRoute {
  readonly route: AdminRoute;
  readonly path: RequestPath;
  isAudited: boolean;
}

/** The application; requests arrive through `httpServer.ts`. */
export function adminApp(options: AdminAppOptions): RequestListener {
  const { contract, services, metrics, limits } = options;
  const { traces, enginesWithin } = options.tracing ?? untraced({ store: services.store });
  const { clock, ids } = services;
  const found = new Attachment<Request, FoundRoute>("route");

  const findRoute: RequestHandler = (request, response, next) => {
    const context = contextOf(response);
    const path = context.target;
    const route = contract.route(request.method, path);
    found.set(request, { route, path, isAudited: false });
    context.note({ operationName: route.operationId });
    next();
  };

  const auditedCall = (
    { route }: FoundRoute,
    request: Request,
    response: Response,
  ): AuditedCall => {
    const { operationId: action, pathParameters: parameters } = route;
    return { context: contextOf(response), action, parameters, caller: callerOf(request) };
  };

  const writeAudit = (
    request: Request,
    response: Response,
    outcome: { readonly status: number; readonly errorCode?: string },
  ): void => {
    const asked = found.get(request);
    if (asked === undefined || asked.isAudited) return;
    asked.isAudited = true;
    audit(auditedCall(asked, request, response), outcome);
  };

  const runOperation: RequestHandler = async (request, response) => {
    const asked = found.get(request);
    if (asked === undefined) throw new TypeError("the request has no route");
    const parameters = asked.route.check(request.body as unknown);
    const context = contextOf(response);
    const { span, logIds } = context;
    if (request.method === "POST") auditIntent(auditedCall(asked, request, response));
    const answer = await asked.route.handle({
      parameters,
      context,
      services: {
        ...services,
        store: enginesWithin(
          () => span,
          () => logIds,
        ).store,
      },
    });
    // before the answer, and also when nobody is there to take it any more
    writeAudit(request, response, { status: answer.status });
    sendAnswer(response, answer);
  };

  const auditErrors: ErrorRequestHandler = (thrown, request, response, next) => {
    const { status, code: errorCode } = asRpError(thrown);
    writeAudit(request, response, { status, errorCode });
    next(thrown);
  };

  const app = beginApp({
    ...options,
    clock,
    ids,
    traces,
    limits: limits.request,
    isProbe: (path) => probes.has(path),
    readyPaths: ["/healthz"],
  });
  app.use(metricsPage(metrics));
  app.use(findRoute);
  app.use(readBody({ ...limits.body, bytes: bodyLimitBytes }));
  app.use(runOperation);
  app.use(auditErrors);
  app.use(answerErrors);
  return requestListener(app);
}

/** What machines ask for all the time. */
const probes: ReadonlySet<string> = new Set([
  "/healthz",
  "/healthz/live",
  "/healthz/ready",
  "/metrics",
]);

function metricsPage(metrics: Metrics): RequestHandler {
  return async (request, response, next) => {
    if (request.originalUrl.split("?", 1)[0] !== "/metrics") {
      next();
      return;
    }
    checkReads(request);
    response.type(metrics.contentType).send(await metrics.text());
  };
}
