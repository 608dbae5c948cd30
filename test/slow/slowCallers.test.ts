/** A thousand callers that send as slowly as they can: the process stays small, serves everybody else, and is rid of them in time. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { RawConnection } from "../listener/rawConnection.ts";
import { RpProcess, temporaryFolder } from "../process/rpProcess.ts";
import { clusterPath, smallestBody } from "../frontend/startedRp.ts";

const callersMax = 1_000;
/** All bodies at once have 64 MiB at most, headers 32 KiB each, and connections something of their own. */
const growthMaxBytes = 150 * 1024 * 1024;
/** How long a caller gets. */
const requestSeconds = 20;

const query = "?api-version=2019-12-31-preview";

function memoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

/** The beginning of a request: 24 KiB of headers, or headers and 32 KiB of a body, each for a subscription of ten. */
function begin(caller: number): string {
  const subscription = `00000000-0000-4000-8000-0000000001${String(caller % 10).padStart(2, "0")}`;
  const line = `PUT ${clusterPath("slow", { subscription })}${query} HTTP/1.1\r\nHost: localhost\r\n`;
  if (caller % 2 === 0) return `${line}X-Slow: ${"x".repeat(24 * 1024)}`;
  return (
    `${line}Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n` +
    `{"location":"${"x".repeat(32 * 1024)}`
  );
}

test("a thousand slow callers", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({
    DATA_DIR: folder.path,
    // what is held is meant, not what a collector on a busy machine hasn't come to yet; and it has to fit
    NODE_OPTIONS: "--max-old-space-size=96",
    HEADERS_TIMEOUT_SECONDS: String(requestSeconds),
    REQUEST_TIMEOUT_SECONDS: String(requestSeconds),
  });
  const pid = Number(rp.log.find((record) => record["version"] !== undefined)?.["pid"]);
  const ask = async (method: string, name: string) => {
    const response = await fetch(`${rp.url}${clusterPath(name)}${query}`, {
      method,
      ...(method === "PUT" ? { body: JSON.stringify(smallestBody) } : {}),
      headers: { "Content-Type": "application/json" },
    });
    await response.arrayBuffer();
    return response.status;
  };
  expect(await ask("PUT", "before")).toBe(201);
  expect(await ask("GET", "before")).toBe(200);
  const before = memoryOf(pid);

  const callers = await Promise.all(
    Array.from({ length: callersMax }, async (_, caller) => {
      const openedAt = performance.now();
      const connection = await RawConnection.open(rp.url);
      const heldMs = connection.closed().then(() => performance.now() - openedAt);
      await connection.writeOut(begin(caller));
      return Object.assign(connection, { heldMs });
    }),
  );
  let most = 0;
  const trickle = setInterval(() => {
    for (const caller of callers) if (caller.socket.writable) caller.write("x");
    most = Math.max(most, memoryOf(pid));
  }, 500);
  // others are served all the while
  for (let time = 0; time < 20; time += 1) {
    expect(await ask("PUT", `during${time}`)).toBe(201);
    expect(await ask("GET", "before")).toBe(200);
  }
  most = Math.max(most, memoryOf(pid));

  const heldMs = await Promise.all(callers.map(async (caller) => caller.heldMs));
  clearInterval(trickle);
  const answers = new Set(callers.map(({ statuses }) => statuses.join()));
  // all of them got their time, whether or not a busy machine opens them within that of the first
  expect(heldMs).toHaveLength(callersMax);
  expect(Math.min(...heldMs)).toBeGreaterThanOrEqual(requestSeconds * 1_000);
  expect([...answers]).toEqual(["408"]);
  expect(most - before).toBeLessThan(growthMaxBytes);
  expect(await ask("GET", "before")).toBe(200);
});
