/**
 * Answers that are given before the body has come, such as a refusal of its size: the caller gets to read them although it may
 * still be sending. A short rest is left to Node, which reads it away, and the connection goes on (ARM-29).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Attachment } from "./attachment.ts";
import type { LingeringCloses } from "./lingeringClose.ts";

/** What ARM passes on at most: from it no refusal of a body costs a connection. */
const shortBytes = 4 * 1024 * 1024;

/** Whether the connection cannot go on after an answer now, as too much of the request, or who knows how much, is to come. */
export function leavesLongRest(request: IncomingMessage): boolean {
  const { headers, complete } = request;
  const isChunked = headers["transfer-encoding"] !== undefined;
  return !complete && (isChunked || Number(headers["content-length"] ?? "0") > shortBytes);
}

export class UnreadBodies {
  readonly #lingering: LingeringCloses;
  /** Of each connection, for the request that was begun last. */
  readonly #last = new Attachment<Socket, ServerResponse>("last response");

  constructor(lingering: LingeringCloses) {
    this.#lingering = lingering;
  }

  /** Whether what comes on a connection now is the rest of a request that has its answer already. */
  isRest(socket: Socket): boolean {
    const last = this.#last.get(socket);
    return last !== undefined && last.writableEnded && !last.req.complete;
  }

  /** To be told of each request before anything is done with it. */
  begun({ socket }: IncomingMessage, response: ServerResponse): void {
    const isFirst = this.#last.get(socket) === undefined;
    this.#last.set(socket, response);
    if (!isFirst) return;
    // what Node calls after the last answer of a connection, and would reset it by
    const close = socket.destroySoon.bind(socket);
    socket.destroySoon = (): void => {
      const request = this.#last.get(socket)?.req;
      if (request === undefined || request.complete) {
        close();
        return;
      }
      this.#lingering.begin(socket);
      request.once("end", close);
      request.resume();
    };
  }
}
