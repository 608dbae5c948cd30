/** A thread of `npm run simulate`: runs the chunks that it is sent, and answers each with its result. */
import { parentPort } from "node:worker_threads";
import { runChunk, type Chunk } from "../chunk.ts";

// what an error says counts here, not where it comes from; stacks would take a third of the time
Error.stackTraceLimit = 0;
parentPort?.on("message", (chunk: Chunk) => {
  void runChunk(chunk).then((result) => parentPort?.postMessage(result));
});
