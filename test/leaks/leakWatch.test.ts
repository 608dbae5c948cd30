/** The watch finds what it is there for: every form of a secret, in each of the places that it watches. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { silentLog } from "../../src/runtime/log.ts";
import { temporaryFolder } from "../process/rpProcess.ts";
import { RawConnection } from "../listener/rawConnection.ts";
import {
  planted,
  takeLeaks,
  watch,
  watchDatabase,
  watchedErrors,
  watchedLog,
} from "./leakWatch.ts";
import { formsIn, formsOf } from "./secretForms.ts";

const secret = planted('leak "watch"/é+secret');
// of its own tests the watch finds plenty
afterEach(() => void takeLeaks());

test.each<[string, string | Uint8Array]>([
  ["clear", `x${secret}y`],
  ["JSON", JSON.stringify({ a: secret })],
  ["JSON in JSON", JSON.stringify(JSON.stringify({ a: secret }))],
  ["URL", `?q=${encodeURIComponent(secret)}`],
  ["hex", Buffer.from(secret).toString("hex")],
  ["HEX", Buffer.from(secret).toString("hex").toUpperCase()],
  ["UTF-16", Buffer.from(`ab${secret}`, "utf16le")],
  ...["", "a", "ab", "abc", "abcd"].flatMap((before): [string, string][] =>
    (["base64", "base64url"] as const).map((encoding) => [
      encoding,
      Buffer.from(`${before}${secret}${before}`).toString(encoding),
    ]),
  ),
])("a secret in %s is found", (form, where) => {
  expect(formsIn(where, formsOf(secret)).some((name) => name.startsWith(form))).toBe(true);
  watch("here", where);
  expect(takeLeaks()[0]).toContain("here has a planted secret");
});

test("what isn't there is not found", () => {
  watch("here", `leak watch ${"é+secret".repeat(100)} ${Buffer.from("leak").toString("base64")}`);
  expect(takeLeaks()).toEqual([]);
  expect(() => planted("short")).toThrow(TypeError);
});

test.each<[string, () => void]>([
  ["a member", () => watchedLog(silentLog).debug({ deep: { er: [secret] } }, "m")],
  ["a message", () => watchedLog(silentLog).info({}, secret)],
  ["an error's text", () => watchedLog(silentLog).warn({ error: new Error(secret) }, "m")],
  [
    "an error's cause",
    () => watchedLog(silentLog).error({ error: new Error("a", { cause: new Error(secret) }) }, "m"),
  ],
  [
    "an error's member",
    () => watchedLog(silentLog).error({ error: Object.assign(new Error("a"), { secret }) }, "m"),
  ],
  ["a child", () => void watchedLog(silentLog).child({ secret })],
  ["a child's record", () => watchedLog(silentLog).child({}).debug({ secret }, "m")],
])("a secret in a log is found: %s", (_what, say) => {
  say();
  expect(takeLeaks().length).toBeGreaterThan(0);
});

test("a secret in the error of a port is found, and the error comes all the same", async () => {
  const port = watchedErrors({
    fails: async (): Promise<never> => {
      throw new Error("a", { cause: new Error(secret) });
    },
    works: async () => 1,
  });
  expect(await port.works()).toBe(1);
  expect(takeLeaks()).toEqual([]);
  await expect(port.fails()).rejects.toThrow("a");
  expect(takeLeaks()[0]).toContain("an error's text");
});

test("a secret in the bytes of a connection is found, also in two pieces", async () => {
  const server = createServer((_request, response) => {
    response.write(secret.slice(0, 9));
    setImmediate(() => response.end(secret.slice(9)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const connection = await RawConnection.open(`http://127.0.0.1:${port}`);
  connection.write("GET / HTTP/1.0\r\n\r\n");
  await connection.closed();
  expect(takeLeaks().some((leak) => leak.includes("bytes of a connection"))).toBe(true);
  server.close();
});

test.each(["rp.sqlite", "rp.sqlite-wal", "rp.sqlite-shm"])("a secret in %s is found", (name) => {
  using folder = temporaryFolder();
  watchDatabase(folder.path);
  expect(takeLeaks()).toEqual([]);
  writeFileSync(join(folder.path, name), Buffer.concat([Buffer.alloc(9), Buffer.from(secret)]));
  watchDatabase(folder.path);
  expect(takeLeaks()[0]).toContain(name);
});

test("a secret in an answer is found, whichever way it is read", async () => {
  const server = createServer((request, response) => {
    if (request.url === "/header") response.setHeader("x-secret", encodeURIComponent(secret));
    response.end(JSON.stringify({ secret }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await (await fetch(url)).json()).toEqual({ secret });
  expect(takeLeaks().length).toBeGreaterThan(0);
  expect(await (await fetch(url)).text()).toContain("secret");
  expect(takeLeaks().length).toBeGreaterThan(0);
  expect((await (await fetch(url)).arrayBuffer()).byteLength).toBeGreaterThan(0);
  expect(takeLeaks().length).toBeGreaterThan(0);
  await fetch(`${url}/header`, { method: "HEAD" });
  expect(takeLeaks().length).toBeGreaterThan(0);
  server.closeAllConnections();
  server.close();
});
