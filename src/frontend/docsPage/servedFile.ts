/** A file that lies in memory, ready to be sent. It is never read again, so it stays what it was at the start. */
import { createHash } from "node:crypto";

export interface ServedFile {
  /** The path of its URL. */
  readonly path: string;
  readonly contentType: string;
  readonly content: Buffer;
  /** Changes with the content. */
  readonly entityTag: string;
  /** What the browser allows the page; pages alone have one. */
  readonly policy?: string;
}

const contentTypes = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json; charset=utf-8",
  png: "image/png",
} as const;

export type ContentKind = keyof typeof contentTypes;

export function servedFile(path: string, kind: ContentKind, content: string | Buffer): ServedFile {
  const bytes = Buffer.from(content);
  const digest = createHash("sha256").update(bytes).digest("base64url");
  return { path, contentType: contentTypes[kind], content: bytes, entityTag: `"${digest}"` };
}
