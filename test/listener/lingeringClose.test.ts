/** The end of a connection whose caller is still sending: its time and its amount are bounded. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { LingeringCloses } from "../../src/listener/lingeringClose.ts";
import { TestClock } from "../runtime/testClock.ts";
import { RawConnection } from "./rawConnection.ts";

/** Both ends of a connection, whose other end has been told that it is over. */
async function lingering() {
  const clock = new TestClock();
  const server = createServer({ allowHalfOpen: true });
  onTestFinished(() => void server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as { port: number };
  const accepted = once(server, "connection");
  const caller = await RawConnection.open(`http://127.0.0.1:${address.port}`, {
    allowHalfOpen: true,
  });
  const [socket] = (await accepted) as [Socket];
  socket.on("error", () => {}).resume();
  const closes = new LingeringCloses(clock);
  socket.write("the answer");
  expect(closes.has(socket)).toBe(false);
  closes.begin(socket);
  closes.begin(socket);
  expect(closes.has(socket)).toBe(true);
  await once(caller.socket, "end");
  expect(caller.text).toBe("the answer");
  return { clock, caller, socket };
}

test("who keeps its side open is cut off in time", async () => {
  const { clock, socket } = await lingering();
  await clock.advance(4_900);
  expect(socket.destroyed).toBe(false);
  await clock.advance(200);
  expect(socket.destroyed).toBe(true);
});

test("who sends on and on is cut off earlier", async () => {
  const { clock, caller, socket } = await lingering();
  for (let sent = 0; sent <= 4 * 1024 * 1024; sent += 65_536) {
    await caller.writeOut("x".repeat(65_536));
  }
  while (socket.bytesRead <= 4 * 1024 * 1024) await once(socket, "data");
  await clock.advance(50);
  expect(socket.destroyed).toBe(true);
});

test("who closes its side ends it at once", async () => {
  const { caller, socket } = await lingering();
  caller.socket.end();
  await once(socket, "close");
  expect(socket.destroyed).toBe(true);
});
