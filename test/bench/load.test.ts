/** One measurement, of servers that behave and of others: what isn't an answer to the request is counted. */
import { createServer, type RequestListener } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { measureLoad } from "./load.ts";

const body = (name: string): string => JSON.stringify({ name, provisioningState: "Succeeded" });

/** Asks a server in this very process for so many things. */
async function ask(listener: RequestListener, requestsMax: number, seconds = 30) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  let asked = 0;
  try {
    return await measureLoad({
      server: { url: `http://127.0.0.1:${port}`, pid: process.pid },
      scenario: "get",
      next: () => {
        asked += 1;
        return { method: "PUT", path: `/${asked}`, body: body(`${asked}`), echo: `"${asked}"` };
      },
      expected: { status: 200, mark: '"provisioningState"', marks: 1 },
      echoes: true,
      connections: 3,
      seconds,
      requestsMax,
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("each request is sent once, with its body, and its answer looked at", async () => {
  const got: string[] = [];
  const load = await ask((request, response) => {
    request.on("data", (chunk) => got.push(String(chunk)));
    request.on("end", () => response.end(body(String(request.url).slice(1))));
  }, 30);
  expect(load).toMatchObject({ requests: 30, errors: 0 });
  expect(load.firstError).toBeUndefined();
  expect(new Set(got)).toEqual(new Set(Array.from({ length: 30 }, (_, at) => body(`${at + 1}`))));
  expect(load.latencyMedianMs).toBeLessThanOrEqual(load.latencyP99Ms);
});

test("an answer of another kind is an error, and so is one to another request", async () => {
  const load = await ask((request, response) => {
    const name = String(request.url).slice(1);
    if (name === "7") response.writeHead(409).end("busy");
    else response.end(body(name === "9" ? "8" : name));
  }, 20);
  expect(load).toMatchObject({ requests: 20, errors: 2 });
  expect(load.firstError).toBe("200 was expected: 409 busy");
});

test("requests whose connection was closed are errors", async () => {
  const load = await ask((request, response) => {
    if (request.url === "/5") request.socket.end();
    else response.end(body(String(request.url).slice(1)));
  }, 20);
  expect(load).toMatchObject({ requests: 19, errors: 1 });
  expect(load.firstError).toBe("1 requests got no answer");
});

test("it ends by its time, and those that wait then are no errors", async () => {
  const measure = async () =>
    ask(
      (request, response) => {
        response.end(body(String(request.url).slice(1)));
      },
      Infinity,
      0.1,
    );
  let load = await measure();
  // a busy machine may hold this thread back for all of that time: again, until it doesn't
  while (load.requests === 0) load = await measure();
  expect(load.errors).toBe(0);
});
