/**
 * Express with its own router and JSON parser: it gives the answers that the program has given. What the program switches off
 * (`ETag` of the bytes, `X-Powered-By`) is off here too; it must not do less for it than that.
 */
import express, { type Request, type Response } from "express";
import type { AddressInfo } from "node:net";
import {
  answerFor,
  bodyText,
  readyAnswers,
  routerPath,
  routesOf,
  tellUrl,
} from "../readyAnswers.ts";

const answers = readyAnswers();

function respond(request: Request, response: Response): void {
  const answer = answerFor(answers, request.headers);
  response.status(answer.status).set(answer.headers).send(bodyText(answer));
}

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.use(express.json());
for (const route of routesOf(answers)) {
  const path = routerPath(route);
  if (route.method === "GET") app.get(path, respond);
  else if (route.method === "PUT") app.put(path, respond);
  else app.patch(path, respond);
}
const server = app.listen(0, "127.0.0.1", () => tellUrl((server.address() as AddressInfo).port));
