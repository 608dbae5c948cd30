/** A server as a process of its own: from its start to what it told of errors and how it ended. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ServedProcess } from "./servedProcess.ts";

/** Starts a program of these lines. */
async function started(lines: string): Promise<ServedProcess> {
  const folder = mkdtempSync(join(tmpdir(), "rp-"));
  const program = join(folder, "server.mjs");
  writeFileSync(program, lines);
  try {
    return await ServedProcess.start({ program });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const listens = `
  import { createServer } from "node:http";
  const server = createServer((request, response) => {
    if (request.url === "/fail") console.log('{"level":"info"}\\n{"level":"error","message":"no disk"}');
    response.end();
    if (request.url === "/end") process.exit(3);
  });
  server.listen(0, "127.0.0.1", () =>
    console.log(JSON.stringify({ url: "http://127.0.0.1:" + server.address().port })));
`;

test("it is asked where it says that it listens, and tells of its errors", async () => {
  await using server = await started(listens);
  expect((await fetch(server.url)).status).toBe(200);
  expect(server.told).toEqual({ errors: 0, first: "" });
  await fetch(`${server.url}/fail`);
  await expect
    .poll(() => server.told)
    .toEqual({
      errors: 1,
      first: '{"level":"error","message":"no disk"}',
    });
  expect(server.startMs).toBeGreaterThan(0);
});

test("one that ends before it listens, or later, says so", async () => {
  await expect(started('console.error("no port"); process.exit(4)')).rejects.toThrow(
    /ended with 4: no port/,
  );
  await using server = await started(listens);
  expect(server.pid).toBeGreaterThan(0);
  await fetch(`${server.url}/end`).catch(() => undefined);
  await expect
    .poll(() => {
      try {
        return server.pid;
      } catch (error) {
        return String(error);
      }
    })
    .toMatch(/has ended \(3\)/);
});
