/** What a request says of its user is believed only when somebody has judged who makes the request. */
import express from "express";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { contextOf, requestContext } from "../../src/listener/requestContext.ts";
import { authenticate, type Caller } from "../../src/listener/authenticator.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemIds } from "../../src/runtime/ids.ts";
import { silentLog } from "../../src/runtime/log.ts";

const ofTheUser = [
  "x-ms-client-principal-name",
  "x-ms-client-tenant-id",
  "x-ms-client-object-id",
  "x-ms-arm-resource-system-data",
  "x-ms-home-tenant-id",
  "x-ms-identity-url",
];
const ofTheCall = [
  "x-ms-client-request-id",
  "x-ms-client-session-id",
  "x-ms-correlation-request-id",
];

test("ARM-118: headers that say who the user is cannot be read before authentication", async () => {
  const caller: Caller = { isAuthenticated: true, subject: "CN=arm" };
  const seen: unknown[] = [];
  const look = (response: express.Response): void => {
    const context = contextOf(response);
    const attempt = (read: () => unknown): unknown => {
      try {
        return read();
      } catch (error) {
        return (error as Error).name;
      }
    };
    seen.push([
      attempt(() => context.caller),
      ofTheUser.map((name) => attempt(() => context.header(name))),
      ofTheCall.map((name) => attempt(() => context.header(name))),
    ]);
  };
  const app = express();
  app.use(
    requestContext({
      clock: systemClock,
      ids: systemIds,
      log: silentLog,
      deadlineMs: 30_000,
    }),
  );
  app.use((_request, response, next) => {
    look(response);
    next();
  });
  app.use(authenticate({ judge: () => ({ caller }) }, () => {}));
  app.use((_request, response) => {
    look(response);
    response.end();
  });
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const headers = Object.fromEntries([...ofTheUser, ...ofTheCall].map((name) => [name, "said"]));
  await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { headers });
  server.close();
  const said = (names: readonly string[]): string[] => names.map(() => "said");
  expect(seen).toEqual([
    ["TypeError", ofTheUser.map(() => "TypeError"), said(ofTheCall)],
    [caller, said(ofTheUser), said(ofTheCall)],
  ]);
});
