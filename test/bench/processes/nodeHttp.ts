/**
 * Node's own HTTP server and nothing else: the body is parsed, an answer that the program has given is made into JSON again. It must
 * do nothing for speed that a plain server wouldn't.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { answerFor, bodyText, readyAnswers, tellUrl } from "../readyAnswers.ts";

const answers = readyAnswers();

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    if (chunks.length > 0) JSON.parse(Buffer.concat(chunks).toString());
    const answer = answerFor(answers, request.headers);
    response.writeHead(answer.status, answer.headers);
    response.end(bodyText(answer));
  });
});
server.listen(0, "127.0.0.1", () => tellUrl((server.address() as AddressInfo).port));
