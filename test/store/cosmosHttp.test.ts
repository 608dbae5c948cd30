/** The HTTP client under the SDK of Cosmos DB, against a server that misbehaves; how the store takes that is in `cosmosFaults.test.ts`. */
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { createHttpHeaders, createPipelineRequest } from "@azure/core-rest-pipeline";
import { expect, test } from "vitest";
import { plainHttpClient } from "../../src/store/cosmosHttp.ts";
import { nobodysPort } from "../process/nobodysPort.ts";

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

async function start(serve: Serve) {
  const server = createServer(serve);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const agent = new Agent({ keepAlive: true });
  let connections = 0;
  server.on("connection", () => (connections += 1));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dbs/a?b=c`;
  return {
    connections: () => connections,
    send: async (options: Partial<Parameters<typeof createPipelineRequest>[0]> = {}) => {
      const request = createPipelineRequest({ url, ...options });
      request.agent = agent;
      return plainHttpClient(createHttpHeaders).sendRequest(request);
    },
    [Symbol.asyncDispose]: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("what is sent arrives and what is answered comes back, over one connection", async () => {
  await using server = await start((request, response) => {
    void text(request).then((body) => {
      const { method, url, headers } = request;
      response.writeHead(207, { "X-Some": "thing", "Set-Cookie": ["a=1", "b=2"] });
      response.end(JSON.stringify({ method, url, sent: headers["x-sent"], body }));
    });
  });
  for (const body of ["", "ä €"]) {
    const answer = await server.send({
      method: "POST",
      headers: createHttpHeaders({ "X-Sent": "yes" }),
      body,
    });
    expect(answer.status).toBe(207);
    expect(answer.headers.get("x-some")).toBe("thing");
    expect(JSON.parse(answer.bodyAsText ?? "")).toEqual({
      method: "POST",
      url: "/dbs/a?b=c",
      sent: "yes",
      body,
    });
  }
  expect(server.connections()).toBe(1);
});

test("a character that comes in two parts is one", async () => {
  await using server = await start((_, response) => {
    const [first, ...rest] = Buffer.from("€");
    response.write(Buffer.from([first ?? 0]), () => response.end(Buffer.from(rest)));
  });
  expect((await server.send()).bodyAsText).toBe("€");
});

test.each<[string, Serve]>([
  ["before its answer", (_, response) => response.destroy()],
  [
    "in the middle of its answer",
    (_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => response.destroy());
    },
  ],
  [
    "in the middle of an answer in chunks",
    (_, response) => void response.write("half", () => response.destroy()),
  ],
])("a connection that is lost %s is an error with its code", async (_, serve) => {
  await using server = await start(serve);
  await expect(server.send()).rejects.toMatchObject({ code: "ECONNRESET" });
});

test("nobody at that address", async () => {
  await using server = await start(() => {});
  await expect(server.send({ url: `http://127.0.0.1:${nobodysPort}/` })).rejects.toMatchObject({
    code: "ECONNREFUSED",
  });
});

test("a request that is given up, before it is made or while an answer is awaited or comes", async () => {
  const arrived = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let requests = 0;
  await using server = await start((_, response) => {
    if (requests === 1) response.write("half");
    arrived[requests]?.resolve();
    requests += 1;
  });
  await expect(server.send({ abortSignal: AbortSignal.abort() })).rejects.toThrow("given up");
  expect(requests).toBe(0);
  for (const each of arrived) {
    const giveUp = new AbortController();
    const answer = server.send({ abortSignal: giveUp.signal });
    await each.promise;
    giveUp.abort();
    await expect(answer).rejects.toMatchObject({ name: "AbortError" });
  }
});
