/**
 * A stand-in of an OpenTelemetry collector on a real socket: takes spans by OTLP over HTTP and reads their protobuf by itself,
 * from the published definition (opentelemetry/proto/trace/v1/trace.proto), so that what it sees is what any collector would.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

type Value = string | number | boolean | undefined;

/** A span as it came over the wire. */
export interface CollectedSpan {
  /** Of the process that sent it. */
  readonly resource: Readonly<Record<string, Value>>;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty at the root. */
  readonly parentId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: string;
  readonly attributes: Readonly<Record<string, Value>>;
  /** Whether its status is an error, and what it says besides. */
  readonly isFailed: boolean;
  readonly statusMessage: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

export interface CollectorRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export class TraceCollector implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    void (async () => {
      const body = await buffer(request);
      this.requests.push({ path: request.url ?? "", headers: request.headers, body });
      this.answer(response);
      for (const watch of this.#watchers.splice(0)) watch();
    })();
  });
  readonly #watchers: (() => void)[] = [];
  readonly requests: CollectorRequest[] = [];
  /** How it answers from now on. */
  answer: (response: ServerResponse) => void = (response) => {
    response.writeHead(200, { "Content-Type": "application/x-protobuf" }).end();
  };

  static async start(): Promise<TraceCollector> {
    const collector = new TraceCollector();
    await new Promise<void>((resolve) => collector.#server.listen(0, "127.0.0.1", resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** All that has come so far. */
  get spans(): readonly CollectedSpan[] {
    return this.requests.flatMap(({ body }) => spansIn(body));
  }

  /** Waits for spans of which this holds. */
  async until(isThere: (spans: readonly CollectedSpan[]) => boolean): Promise<void> {
    while (!isThere(this.spans)) {
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Of a message, the values of each field by its number. */
type Fields = ReadonlyMap<number, readonly (Buffer | bigint)[]>;

const kinds = ["", "internal", "server", "client", "producer", "consumer"];

function spansIn(body: Buffer): readonly CollectedSpan[] {
  return messages(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const resource = attributesOf(messages(resourceSpans, 1).flatMap((each) => messages(each, 1)));
    const scopes = messages(resourceSpans, 2);
    return scopes.flatMap((scope) => messages(scope, 2).map((span) => spanFrom(span, resource)));
  });
}

function spanFrom(span: Fields, resource: CollectedSpan["resource"]): CollectedSpan {
  const [status = new Map()] = messages(span, 15);
  return {
    resource,
    traceId: bytes(span, 1).toString("hex"),
    spanId: bytes(span, 2).toString("hex"),
    traceState: bytes(span, 3).toString(),
    parentId: bytes(span, 4).toString("hex"),
    name: bytes(span, 5).toString(),
    kind: kinds[Number(number(span, 6))] ?? "",
    startNs: number(span, 7),
    endNs: number(span, 8),
    attributes: attributesOf(messages(span, 9)),
    isFailed: number(status, 3) === 2n,
    statusMessage: bytes(status, 2).toString(),
  };
}

function attributesOf(pairs: readonly Fields[]): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [value = new Map()] = messages(pair, 2);
      return [bytes(pair, 1).toString(), valueOf(value)];
    }),
  );
}

function valueOf(value: Fields): Value {
  if (value.has(1)) return bytes(value, 1).toString();
  if (value.has(2)) return number(value, 2) === 1n;
  if (value.has(3)) return Number(number(value, 3));
  return undefined;
}

function messages(fields: Fields, at: number): readonly Fields[] {
  return (fields.get(at) ?? []).map((value) => fieldsOf(value as Buffer));
}

function bytes(fields: Fields, at: number): Buffer {
  return (fields.get(at)?.at(-1) as Buffer | undefined) ?? Buffer.alloc(0);
}

function number(fields: Fields, at: number): bigint {
  return (fields.get(at)?.at(-1) as bigint | undefined) ?? 0n;
}

/** Protobuf's wire format. */
function fieldsOf(message: Buffer): Fields {
  const fields = new Map<number, (Buffer | bigint)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const fixed = (length: number): bigint => {
    at += length;
    return length === 8 ? message.readBigUInt64LE(at - 8) : BigInt(message.readUInt32LE(at - 4));
  };
  const text = (): Buffer => {
    const length = Number(varint());
    at += length;
    return message.subarray(at - length, at);
  };
  const readers = new Map<number, () => Buffer | bigint>([
    [0, varint],
    [1, () => fixed(8)],
    [2, text],
    [5, () => fixed(4)],
  ]);
  while (at < message.length) {
    const tag = Number(varint());
    const read = readers.get(tag & 7);
    if (read === undefined) throw new Error(`no such wire type: ${tag & 7}`);
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), read()]);
  }
  return fields;
}
