/**
 * The way of a request, in order: its context, health, who calls, the docs page, its route by the contract, its body, its handler, and
 * whatever was thrown on the way. It opens no port and talks to nothing but what it was handed.
 */
import type { Request, RequestHandler } from "express";
import type { RequestListener } from "node:http";
import type { Limits } from "../model/limits.ts";
import { foldCase, isGuid } from "../model/resourceId.ts";
import type { AnsweredRequest } from "../runtime/metrics.ts";
import type { Log } from "../runtime/log.ts";
import { untraced, type Tracing } from "../runtime/traces.ts";
import { sendAnswer } from "../listener/answer.ts";
import { Attachment } from "../listener/attachment.ts";
import type { Authenticator } from "../listener/authenticator.ts";
import { beginApp } from "../listener/beginApp.ts";
import { Admission } from "./admission.ts";
import { notedVersion, type Contract, type Route } from "./contract.ts";
import { answerErrors } from "../listener/answerErrors.ts";
import type { Services } from "./exchange.ts";
import type { HealthOptions } from "../listener/health.ts";
import { readBody } from "../listener/readBody.ts";
import { contextOf } from "../listener/requestContext.ts";
import { requestListener } from "../listener/requestListener.ts";
import type { RequestPath } from "../listener/requestPath.ts";

export interface AppOptions extends HealthOptions {
  readonly contract: Contract;
  /** Answers what is documentation, and hands on the rest. */
  readonly docs: RequestHandler;
  readonly services: Services;
  readonly authenticator: Authenticator;
  readonly log: Log;
  readonly limits: Pick<Limits, "request" | "body">;
  /** Told when a request begins, and when it has ended. */
  readonly onReceived?: () => void;
  readonly onAnswered?: (request: AnsweredRequest) => void;
  readonly tracing?: Tracing<Pick<Services, "store">>;
}

/** The application; requests arrive through `httpServer.ts`. */
export function frontendApp(options: AppOptions): RequestListener {
  const { contract, docs, services, limits } = options;
  const { traces, enginesWithin } = options.tracing ?? untraced({ store: services.store });
  const { clock, ids } = services;
  const routes = new Attachment<Request, { readonly route: Route; readonly path: RequestPath }>(
    "route",
  );
  const admission = new Admission(limits.request);

  const findRoute: RequestHandler = (request, response, next) => {
    const context = contextOf(response);
    const path = context.target;
    const apiVersion = notedVersion(path);
    // before the route, which there may not be in it
    if (apiVersion !== undefined) context.note({ apiVersion });
    const route = contract.route(request.method, path);
    routes.set(request, { route, path });
    const { span } = context;
    span.rename(`${request.method} ${route.template}`);
    span.describe({ "http.route": route.template });
    context.note({ operationName: route.operationId });
    const subscription = subscriptionOf(path);
    if (subscription !== undefined) admission.enterSubscription(subscription, response);
    next();
  };

  const runOperation: RequestHandler = async (request, response) => {
    const found = routes.get(request);
    if (found === undefined) throw new TypeError("the request has no route");
    const { route, path } = found;
    const context = contextOf(response);
    const { span, logIds } = context;
    admission.enter(response);
    sendAnswer(
      response,
      await route.run({
        path: path.path,
        query: path.query,
        body: request.body as unknown,
        context,
        services: {
          ...services,
          store: enginesWithin(
            () => span,
            () => logIds,
          ).store,
        },
      }),
    );
  };

  const app = beginApp({ ...options, clock, ids, traces, limits: limits.request });
  app.use(docs);
  app.use(findRoute);
  app.use(readBody(limits.body, (request) => subscriptionOf(routes.get(request)?.path)));
  app.use(runOperation);
  app.use(answerErrors);
  return requestListener(app);
}

/** Whose limits a request counts to: the same text in any case; `undefined` for none. */
function subscriptionOf(path: RequestPath | undefined): string | undefined {
  const [, subscriptionId = ""] = path?.segments ?? [];
  return isGuid(subscriptionId) ? foldCase(subscriptionId) : undefined;
}
