/** How the HTTP server stops: what is under way is answered, and nobody keeps it by asking on. */
import { once } from "node:events";
import { Agent, request, type IncomingMessage, type ServerResponse } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { HttpServer } from "../../src/listener/httpServer.ts";
import { systemIds } from "../../src/runtime/ids.ts";
import { silentLog, type Log } from "../../src/runtime/log.ts";
import { TestClock } from "../runtime/testClock.ts";

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** On a clock that stands still, so that nothing is ever cut off by time. */
async function open(listener: Listener, log: Log = silentLog) {
  const clock = new TestClock();
  const limits = readConfig({}).limits.connection;
  const options = { host: "127.0.0.1", port: 0, clock, ids: systemIds, log, limits };
  const server = await HttpServer.listen(listener, options);
  const { url } = server;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const ask = async (): Promise<IncomingMessage> => {
    const asked = request(url, { agent });
    asked.end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    answer.resume();
    await once(answer, "end");
    return answer;
  };
  return { server, clock, ask };
}

test("what is under way is answered, with the advice to take another connection", async () => {
  const asked = Promise.withResolvers<ServerResponse>();
  const { server, ask } = await open((_request, response) => asked.resolve(response));
  const answer = ask();
  const response = await asked.promise;
  const stopped = server.stop(5_000);
  response.end("done");
  expect((await answer).headers.connection).toBe("close");
  // whoever asks on does not keep it
  await expect(ask()).rejects.toThrow(/ECONN|hang up/);
  await stopped;
});

test("what doesn't end is cut off when the time is up, and the log says how many", async () => {
  const lines: unknown[] = [];
  const log = { ...silentLog, warn: (...given: unknown[]) => void lines.push(given) } as Log;
  const held = Promise.withResolvers<void>();
  const { server, clock } = await open((_request, response) => {
    held.resolve();
    response.flushHeaders();
  }, log);
  const asked = request(server.url);
  asked.on("error", () => {});
  asked.end();
  await held.promise;
  const stopped = server.stop(5_000);
  await clock.advance(5_000);
  await stopped;
  expect(lines).toEqual([[{ graceMs: 5_000, requests: 1 }, expect.stringContaining("cut off")]]);
});
