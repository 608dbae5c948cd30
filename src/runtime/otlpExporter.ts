/**
 * Hands spans to a collector: OTLP over HTTP, in protobuf, over `fetch`. Each batch has one deadline from its first byte to the last
 * of the answer, so a collector that answers drop by drop holds nothing up. It must never follow a redirect with the headers'
 * token, read more of an answer than it has use for, or tell a text that the collector wrote.
 */
import { ExportResultCode, type ExportResult } from "@opentelemetry/core";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import { CallAttempts, type AttemptFigures } from "./callAttempts.ts";
import type { Clock } from "./clock.ts";
import type { Random } from "./ids.ts";
import type { LostSpans } from "./lostSpans.ts";
import { failureType } from "./traces.ts";
import type { TraceSettings } from "./traceSettings.ts";

/** An answer holds a number and perhaps a sentence. */
const answerBytesMax = 64 * 1024;
/** With these a collector asks to be called again (OTLP, "Retryable Response Codes"). */
const retryableStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export interface OtlpExporterOptions {
  readonly settings: Pick<TraceSettings, "url" | "headers" | "timeoutMs">;
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch: typeof fetch;
  readonly lost: LostSpans;
}

/** The collector took nothing: its status, or a word. */
class CollectorError extends Error {
  override readonly name = "CollectorError";
  readonly reason: number | string;
  readonly isPassing: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(
    reason: number | string,
    { isPassing, retryAfterMs }: { isPassing: boolean; retryAfterMs?: number | undefined },
  ) {
    super(`the collector took no spans: ${reason}`);
    this.reason = reason;
    this.isPassing = isPassing;
    this.retryAfterMs = retryAfterMs;
  }
}

export class OtlpExporter implements SpanExporter {
  readonly #options: OtlpExporterOptions;
  readonly #figures: AttemptFigures;
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: OtlpExporterOptions) {
    this.#options = options;
    this.#figures = {
      callLimitMs: options.settings.timeoutMs,
      attemptLimitMs: options.settings.timeoutMs,
      attemptsMax: 5,
      firstPauseMs: 1_000,
      longestPauseMs: 5_000,
    };
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    const sent = this.#send(spans).then(
      (rejected) => {
        if (rejected > 0) this.#options.lost.rejected(rejected);
        done({ code: ExportResultCode.SUCCESS });
      },
      (error: unknown) => {
        this.#options.lost.refused(
          spans.length,
          error instanceof CollectorError ? error.reason : failureType(error),
        );
        done({ code: ExportResultCode.FAILED });
      },
    );
    this.#underWay.add(sent);
    void sent.finally(() => this.#underWay.delete(sent));
  }

  /** Resolves when nothing is on its way any more: each batch has its deadline. */
  async shutdown(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /**
   * @returns how many of them the collector said that it rejects.
   * @throws {CollectorError}
   */
  async #send(spans: ReadableSpan[]): Promise<number> {
    const { clock, random } = this.#options;
    const body = ProtobufTraceSerializer.serializeRequest(spans);
    if (body === undefined) throw new CollectorError("NotSerializable", { isPassing: false });
    const attempts = new CallAttempts({ clock, random }, this.#figures);
    for (;;) {
      try {
        return await attempts.attempt(
          async (signal) => this.#post(body, spans.length, signal),
          () => new CollectorError("Timeout", { isPassing: false }),
        );
      } catch (error) {
        if (!(error instanceof CollectorError) || !error.isPassing) throw error;
        if (!(await attempts.pause(error.retryAfterMs))) throw error;
      }
    }
  }

  async #post(body: Uint8Array, spans: number, signal: AbortSignal): Promise<number> {
    const { settings, fetch } = this.#options;
    const headers = new Headers(settings.headers());
    headers.set("Content-Type", "application/x-protobuf");
    let response: Response;
    let answer: Uint8Array | undefined;
    try {
      response = await fetch(settings.url, {
        method: "POST",
        headers,
        body: body as Uint8Array<ArrayBuffer>,
        redirect: "manual",
        signal,
      });
      answer = response.ok ? await read(response) : undefined;
    } catch (error) {
      if (error instanceof CollectorError) throw error;
      const { cause } = error as { readonly cause?: unknown };
      throw new CollectorError(failureType(cause instanceof Error ? cause : error), {
        isPassing: true,
      });
    }
    if (answer === undefined) {
      void response.body?.cancel().catch(() => {
        // nobody wants it
      });
      throw new CollectorError(response.status, {
        isPassing: retryableStatuses.has(response.status),
        retryAfterMs: retryAfterMs(response),
      });
    }
    return isProtobuf(response) ? Math.min(spans, rejectedIn(answer)) : 0;
  }
}

/** Never more of it than is allowed, whatever the headers say. */
async function read(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > answerBytesMax) throw new CollectorError("AnswerTooLarge", { isPassing: false });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function isProtobuf(response: Response): boolean {
  return /^application\/x-protobuf\b/i.test(
    response.headers.get("Content-Type") ?? "application/x-protobuf",
  );
}

/** Zero for an answer that is none of OTLP's: its status says that the spans were taken. */
function rejectedIn(answer: Uint8Array): number {
  try {
    const { partialSuccess } = ProtobufTraceSerializer.deserializeResponse(answer);
    const rejected = Number(partialSuccess?.rejectedSpans ?? 0);
    return rejected > 0 ? Math.trunc(rejected) : 0;
  } catch {
    return 0;
  }
}

/** In seconds; a date, which needs the same clock on both sides, is not followed. */
function retryAfterMs(response: Response): number | undefined {
  const text = response.headers.get("Retry-After") ?? "";
  return /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : undefined;
}
