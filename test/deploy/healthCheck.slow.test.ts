/** The health check of the image: what its exit code says to whoever runs the container. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { TestAuthority } from "../listener/testAuthority.ts";

const program = fileURLToPath(new URL("../../deploy/healthCheck.ts", import.meta.url));

interface Outcome {
  readonly code: number;
  readonly output: string;
}

async function check(question: string, settings: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, question],
      { env: { PORT: String(port), ...settings } },
      (error, stdout, stderr) =>
        resolve({
          code: typeof error?.code === "number" ? error.code : 0,
          output: stdout + stderr,
        }),
    );
  });
}

let server: Server;
let port = 0;
const status = new Map<string, number>();

beforeAll(async () => {
  server = createServer((request, response) => {
    response.writeHead(status.get(request.url ?? "") ?? 404).end("of no concern");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
});

afterAll(() => {
  server.close();
});

test.each(["ready", "live"])("%s: 200 is well, anything else is not", async (question) => {
  status.set(`/healthz/${question}`, 200);
  expect(await check(question)).toEqual({ code: 0, output: "" });
  status.set(`/healthz/${question}`, 503);
  expect(await check(question)).toEqual({
    code: 1,
    output: `the frontend is not ${question}: 503\n`,
  });
});

test("a frontend that authenticates its callers is asked over TLS, without a certificate", async () => {
  const authority = await TestAuthority.create();
  const { cert, key } = await authority.issue({ subject: [{ CN: ["rp.example"] }] });
  let presented: unknown;
  const secure = createSecureServer({ cert, key, requestCert: true, rejectUnauthorized: false });
  secure.on("request", ({ url, socket }, response) => {
    presented = (socket as TLSSocket).getPeerX509Certificate();
    response.writeHead(url === "/healthz/ready" ? 200 : 503).end();
  });
  secure.listen(0);
  await once(secure, "listening");
  onTestFinished(() => void secure.close());
  const settings = { PORT: String((secure.address() as AddressInfo).port), AUTH: "arm" };
  for (const HOST of ["0.0.0.0", "127.0.0.1", "localhost"]) {
    expect(await check("ready", { ...settings, HOST })).toEqual({ code: 0, output: "" });
    expect((await check("live", { ...settings, HOST })).code).toBe(1);
  }
  expect(presented).toBeUndefined();
});

test("a listener for operators that others reach is asked over TLS too", async () => {
  const authority = await TestAuthority.create();
  const { cert, key } = await authority.issue({ subject: [{ CN: ["rp.example"] }] });
  const secure = createSecureServer({ cert, key, requestCert: true, rejectUnauthorized: false });
  secure.on("request", ({ url }, response) => {
    response.writeHead(url === "/healthz/live" ? 200 : 503).end();
  });
  secure.listen(0);
  await once(secure, "listening");
  onTestFinished(() => void secure.close());
  const settings = {
    ROLES: "backend",
    ADMIN_HOST: "0.0.0.0",
    ADMIN_PORT: String((secure.address() as AddressInfo).port),
    ADMIN_AUTH: "client-certificate",
  };
  expect(await check("live", settings)).toEqual({ code: 0, output: "" });
  expect((await check("ready", settings)).code).toBe(1);
});

test("nobody answers", async () => {
  const { code, output } = await check("live", { PORT: "1" });
  expect(code).toBe(1);
  expect(output).toContain("ECONNREFUSED");
});

test("a role without HTTP is asked where operators ask, and is well while it runs if that is nowhere", async () => {
  const settings = { PORT: "1", ROLES: "forwarder, backend" };
  for (const question of ["ready", "live"]) {
    for (const nowhere of [{}, { ADMIN_PORT: "" }, { ADMIN_PORT: "0" }]) {
      expect(await check(question, { ...settings, ...nowhere })).toEqual({ code: 0, output: "" });
    }
    const asked = { ...settings, ADMIN_PORT: String(port) };
    status.set(`/healthz/${question}`, 200);
    expect(await check(question, asked)).toEqual({ code: 0, output: "" });
    status.set(`/healthz/${question}`, 503);
    expect(await check(question, asked)).toEqual({
      code: 1,
      output: `the listener for operators is not ${question}: 503\n`,
    });
    expect((await check(question, { ...settings, ADMIN_PORT: "1" })).code).toBe(1);
  }
});

test("a frontend that has no room for callers isn't ready, but live", async () => {
  status.set("/healthz/live", 200);
  status.set("/healthz/ready", 200);
  const settings = { PORT: "1", ADMIN_PORT: String(port) };
  expect((await check("ready", settings)).code).toBe(1);
  expect(await check("live", settings)).toEqual({ code: 0, output: "" });
});

test("another question is a fault", async () => {
  expect((await check("healthy")).code).toBe(1);
});

test("its defaults are those of the settings", () => {
  const { host, port: byDefault, auth, adminHost, adminPort, adminAuth, roles } = readConfig({});
  const text = readFileSync(program, "utf8").replaceAll(/\s+/g, " ");
  expect(text).toContain(`setting("HOST", "${host}")`);
  expect(text).toContain(`setting("AUTH", "${auth.kind}")`);
  expect(text).toContain(`setting("PORT", "${byDefault}")`);
  expect(text).toContain(`setting("ADMIN_HOST", "${adminHost}")`);
  expect(text).toContain(`setting("ADMIN_AUTH", "${adminAuth.kind}")`);
  expect(text).toContain('setting("ADMIN_PORT", "0")');
  expect(adminPort).toBeUndefined();
  expect(text).toMatch(new RegExp(`setting\\( ?"ROLES", "${roles.join(",")}",? ?\\)`));
});
