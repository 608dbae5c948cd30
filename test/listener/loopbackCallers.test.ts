/** Who is let in without a certificate: whoever uses this machine, and no web page that is open on it. */
import { connect } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isLoopbackName } from "../../src/listener/authenticationSettings.ts";
import { clusterPath, smallestBody, StartedRp } from "../frontend/startedRp.ts";

const cluster = `${clusterPath("c")}?api-version=2019-12-31-preview`;
let rp: StartedRp;

beforeAll(async () => {
  rp = await StartedRp.start();
});
afterAll(async () => rp[Symbol.asyncDispose]());

/** Sends lines as they are, and gives the status and the text of the answer. */
async function raw(method: string, headers: readonly string[]): Promise<[number, string]> {
  const { hostname, port } = new URL(rp.url);
  const socket = connect(Number(port), hostname);
  const body = method === "PUT" ? JSON.stringify(smallestBody) : "";
  socket.write(
    [
      `${method} ${cluster} HTTP/1.1`,
      ...headers,
      "Connection: close",
      "Content-Type: application/json",
      `Content-Length: ${body.length}`,
      "",
      body,
    ].join("\r\n"),
  );
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return [Number(text.slice(9, 12)), text];
}

test.each([
  "localhost",
  "localhost:8080",
  "LOCALHOST.",
  "rp.localhost:1",
  "127.0.0.1",
  "127.8.9.10:8080",
  "[::1]:8080",
])("ARM-118: called as %s, the server answers", async (host) => {
  expect((await raw("GET", [`Host: ${host}`]))[0]).toBe(404);
});

test.each([
  "attacker.example",
  "attacker.example:8080",
  "localhost.attacker.example",
  "127.0.0.1.attacker.example",
  "localhost@attacker.example",
  "xlocalhost",
  "10.0.0.1",
  "0.0.0.0:8080",
  "[::]:8080",
  "not a host",
])("ARM-118: called as %s, as a page might, it is refused", async (host) => {
  for (const method of ["GET", "PUT", "DELETE"]) {
    const [status, text] = await raw(method, [`Host: ${host}`]);
    expect([method, status]).toEqual([method, 403]);
    expect(text).toContain("must be called as localhost");
  }
  expect((await rp.get(clusterPath("c"))).status).toBe(404);
});

test("ARM-118: who gives no host is no browser", async () => {
  expect((await raw("GET", []))[0]).toBe(404);
  expect((await raw("GET", ["Host: "]))[0]).toBe(404);
});

test.each([
  "http://attacker.example",
  "https://localhost:8080",
  "http://localhost:8081",
  "http://localhost",
  "null",
  "file://",
])("ARM-118: a page of %s changes nothing", async (origin) => {
  const page = ["Host: localhost:8080", `Origin: ${origin}`];
  for (const method of ["PUT", "PATCH", "DELETE", "POST"]) {
    const [status, text] = await raw(method, page);
    expect([method, status]).toEqual([method, 403]);
    expect(text).toContain("may not change anything");
  }
  expect((await raw("GET", page))[0]).toBe(404);
});

test("ARM-118: the page of the server itself may", async () => {
  const page = ["Host: localhost:8080", "Origin: http://localhost:8080"];
  expect((await raw("DELETE", page))[0]).toBe(204);
});

test("ARM-118: no name of another domain is a loopback name", () => {
  const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/);
  fc.assert(
    fc.property(
      fc.array(label, { maxLength: 3 }),
      label,
      fc.constantFrom("", "."),
      (front, last, dot) => {
        const name = [...front, last].join(".");
        expect(isLoopbackName(`${name}.localhost${dot}`)).toBe(true);
        expect(isLoopbackName(`localhost.${name}${dot}`)).toBe(last === "localhost");
        expect(isLoopbackName(`127.0.0.1.${name}${dot}`)).toBe(last === "localhost");
      },
    ),
  );
});
