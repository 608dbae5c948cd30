/** Lines reach a reader whole and in order; where there is none, a bounded number waits and nothing stands still. */
import { expect, test } from "vitest";
import { LineOutput } from "../../src/runtime/lineOutput.ts";
import { TestClock } from "./testClock.ts";

/** A pipe that holds so many bytes until somebody reads them. */
class Pipe {
  room: number;
  text = "";
  calls = 0;
  failure: string | undefined;

  constructor(room: number) {
    this.room = room;
  }

  write(bytes: Uint8Array): number {
    this.calls += 1;
    if (this.failure !== undefined) throw Object.assign(new Error(), { code: this.failure });
    if (this.room === 0) throw Object.assign(new Error("full"), { code: "EAGAIN" });
    const taken = bytes.subarray(0, this.room);
    this.room -= taken.length;
    this.text += Buffer.from(taken).toString("latin1");
    return taken.length;
  }
}

function outputTo(pipe: Pipe): { clock: TestClock; output: LineOutput } {
  const clock = new TestClock();
  const output: LineOutput = new LineOutput({
    clock,
    write: (bytes) => pipe.write(bytes),
    onDropped: (lines) => output.write(`${lines} dropped\n`),
  });
  return { clock, output };
}

test("a line is written before the call returns", () => {
  const pipe = new Pipe(Infinity);
  const { output } = outputTo(pipe);
  output.write("one\n");
  expect(pipe.text).toBe("one\n");
  output.write("two\n");
  expect(pipe.text).toBe("one\ntwo\n");
});

test("what a reader takes late arrives whole and in order", async () => {
  const pipe = new Pipe(6);
  const { clock, output } = outputTo(pipe);
  for (const line of ["one\n", "two\n", "three\n"]) output.write(line);
  expect(pipe.text).toBe("one\ntw");
  await clock.advance(1_000);
  pipe.room = 3;
  await clock.advance(100);
  output.write("four\n");
  pipe.room = Infinity;
  await clock.advance(100);
  expect(pipe.text).toBe("one\ntwo\nthree\nfour\n");
  output.write("five\n");
  expect(pipe.text.endsWith("four\nfive\n")).toBe(true);
});

test("what waits is bounded; later it is said how many lines were dropped", async () => {
  const pipe = new Pipe(0);
  const { clock, output } = outputTo(pipe);
  const line = `${"x".repeat(1023)}\n`;
  for (let count = 0; count < 1_500; count += 1) output.write(line);
  // and the pipe isn't asked for each line
  expect(pipe.calls).toBe(1);
  expect(output.droppedTotal).toBe(476);
  await clock.advance(1_000);
  pipe.room = Infinity;
  await clock.advance(100);
  expect(pipe.text).toBe(`${line.repeat(1_024)}476 dropped\n`);
  output.write("more\n");
  expect(pipe.text.endsWith("476 dropped\nmore\n")).toBe(true);
  expect(output.droppedTotal).toBe(476);
});

test("one line may be longer than what may wait", async () => {
  const pipe = new Pipe(10);
  const { clock, output } = outputTo(pipe);
  const line = `${"x".repeat(3_000_000)}\n`;
  output.write(line);
  pipe.room = Infinity;
  await clock.advance(100);
  expect(pipe.text).toBe(line);
});

test.each(["EPIPE", "ENOSPC"])(
  "after %s lines are dropped, until they can be written again",
  (code) => {
    const pipe = new Pipe(Infinity);
    const { output } = outputTo(pipe);
    pipe.failure = code;
    for (const line of ["one\n", "two\n"]) output.write(line);
    pipe.failure = undefined;
    output.write("three\n");
    expect(pipe.text).toBe("three\n2 dropped\n");
    expect(output.droppedTotal).toBe(2);
  },
);

test("a flush waits for a reader, but not for ever", () => {
  const pipe = new Pipe(0);
  const { output } = outputTo(pipe);
  output.write("last\n");
  output.flush(50);
  // it asks once in some milliseconds
  expect(pipe.calls).toBeLessThan(50);
  expect(pipe.text).toBe("");
  let calls = 0;
  pipe.write = (bytes) => {
    calls += 1;
    if (calls === 3) pipe.room = Infinity;
    return Pipe.prototype.write.call(pipe, bytes);
  };
  output.flush(10_000);
  expect(pipe.text).toBe("last\n");
});
