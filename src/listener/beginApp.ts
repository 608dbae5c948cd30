/**
 * The way of a request as far as all listeners have it in common: its context, the limits of its head, health, who calls. What comes
 * after that is for whoever may call; nothing may come before.
 */
import express, { type Express } from "express";
import type { RequestLimits } from "../model/limits.ts";
import type { Traces } from "../runtime/traces.ts";
import { authenticate, type Authenticator } from "./authenticator.ts";
import { headLimits } from "./headLimits.ts";
import { health, type HealthOptions } from "./health.ts";
import {
  contextOf,
  recordRequest,
  requestContext,
  type RequestContextOptions,
} from "./requestContext.ts";

export interface BeginAppOptions extends HealthOptions, Omit<RequestContextOptions, "deadlineMs"> {
  readonly traces: Traces;
  readonly authenticator: Authenticator;
  readonly limits: RequestLimits;
  /** Those that are answered like `/healthz/ready`. */
  readonly readyPaths?: readonly string[];
}

/** An application that goes on with what is `use`d. */
export function beginApp(options: BeginAppOptions): Express {
  const { authenticator, limits } = options;
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use(requestContext({ ...options, deadlineMs: limits.deadlineMs }));
  app.use(headLimits(limits));
  app.use(health(options));
  // before a byte of the body is read, and before anything tells whether there is such a route
  app.use(authenticate(authenticator, (response, fields) => contextOf(response).note(fields)));
  app.use(recordRequest(options.traces));
  return app;
}
