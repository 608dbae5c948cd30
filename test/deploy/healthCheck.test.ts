/** The health check of the image: what its exit code says to whoever runs the container. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";

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

test("nobody answers", async () => {
  const { code, output } = await check("live", { PORT: "1" });
  expect(code).toBe(1);
  expect(output).toContain("ECONNREFUSED");
});

test("a role without HTTP is well while its container runs", async () => {
  expect(await check("ready", { PORT: "1", ROLES: "forwarder, backend" })).toEqual({
    code: 0,
    output: "",
  });
});

test("another question is a fault", async () => {
  expect((await check("healthy")).code).toBe(1);
});

test("its defaults are those of the settings", () => {
  const { host, port: byDefault } = readConfig({});
  const text = readFileSync(program, "utf8");
  expect(text).toContain(`setting("HOST", "${host}")`);
  expect(text).toContain(`setting("PORT", "${byDefault}")`);
});
