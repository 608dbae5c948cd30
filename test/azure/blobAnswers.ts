/** Answers of the blob service: headers, XML and errors in its forms. It must never decide anything. */
import type { AzureAnswer } from "./azureService.ts";

/** An error as the blob service answers it; it must be thrown only while a request of it is handled. */
export class BlobError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** A blob as answers describe it. */
export interface DescribedBlob {
  readonly name: string;
  readonly content: Buffer;
  /** With its quotes. */
  readonly etag: string;
  readonly modifiedAt: number;
  readonly contentType: string;
  readonly kind: "BlockBlob" | "PageBlob";
  /** Names in small letters. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly copy?: {
    readonly id: string;
    readonly source: string;
    readonly status: "pending" | "success" | "aborted";
    readonly copiedBytes: number;
    readonly totalBytes: number;
  };
}

const serviceVersion = "2025-01-05";

/** What every answer has. */
export function answer(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body?: Buffer | string,
): AzureAnswer {
  return {
    status,
    headers: {
      "x-ms-version": serviceVersion,
      "x-ms-request-id": "00000000-0000-0000-0000-000000000000",
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  };
}

/** To a HEAD without a body. */
export function errorAnswer(error: BlobError, method: string): AzureAnswer {
  const xml = element("Error", element("Code", error.code) + element("Message", error.message));
  const headers = { "x-ms-error-code": error.code };
  if (method === "HEAD") return answer(error.status, headers);
  return xmlAnswer(xml, { status: error.status, headers });
}

/** `xml` without its first line. */
export function xmlAnswer(
  xml: string,
  options: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): AzureAnswer {
  return answer(
    options.status ?? 200,
    { "content-type": "application/xml", ...options.headers },
    `<?xml version="1.0" encoding="utf-8"?>${xml}`,
  );
}

/** `inner` is XML already when it begins as such. */
export function element(name: string, inner: string): string {
  return `<${name}>${inner.startsWith("<") ? inner : escaped(inner)}</${name}>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** The headers of a GET or HEAD. */
export function blobHeaders(blob: DescribedBlob): Record<string, string> {
  const { copy } = blob;
  return {
    "content-type": blob.contentType,
    "content-length": String(blob.content.length),
    etag: blob.etag,
    "last-modified": new Date(blob.modifiedAt).toUTCString(),
    "accept-ranges": "bytes",
    "x-ms-blob-type": blob.kind,
    "x-ms-server-encrypted": "true",
    ...Object.fromEntries(
      Object.entries(blob.metadata).map(([name, value]) => [`x-ms-meta-${name}`, value]),
    ),
    ...(copy === undefined
      ? {}
      : {
          "x-ms-copy-id": copy.id,
          "x-ms-copy-source": copy.source,
          "x-ms-copy-status": copy.status,
          "x-ms-copy-progress": `${copy.copiedBytes}/${copy.totalBytes}`,
        }),
  };
}

/** An item of a list. */
export function blobElement(blob: DescribedBlob): string {
  const { copy } = blob;
  const properties = [
    element("Last-Modified", new Date(blob.modifiedAt).toUTCString()),
    element("Etag", blob.etag),
    element("Content-Length", String(blob.content.length)),
    element("Content-Type", blob.contentType),
    element("BlobType", blob.kind),
    ...(copy === undefined ? [] : [element("CopyId", copy.id), element("CopyStatus", copy.status)]),
  ];
  return element("Blob", element("Name", blob.name) + element("Properties", properties.join("")));
}
