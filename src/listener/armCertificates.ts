/**
 * The authenticator that lets in ARM alone: whoever presents one of the certificates that ARM publishes at its metadata endpoint,
 * compared whole (ARM-117). ARM exchanges them without telling anybody, so they are fetched again and again, and what was fetched
 * last counts for a day. It must never follow the endpoint elsewhere, nor take a document for good that it cannot read whole.
 */
import { X509Certificate } from "node:crypto";
import { z } from "zod";
import { RpError } from "../model/rpError.ts";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../runtime/deadlineSignal.ts";
import type { Log } from "../runtime/log.ts";
import { PollPace } from "../runtime/pollPace.ts";
import { unknownCaller, type Authenticator, type Judgement } from "./authenticator.ts";
import { subjectOf } from "./clientCertificates.ts";
import { peerOf, type Peer } from "./secureServer.ts";
import { validityFault } from "./tlsCredentials.ts";

const minuteMs = 60_000;
const refreshMs = 60 * minuteMs;
const usableMs = 24 * 60 * minuteMs;
const fetchLimitMs = 20_000;
/** After a failure doubled four times, to five minutes and a bit. */
const retryFirstMs = 10_000;
/** Two certificates of 4 KB each are what is expected. */
const documentBytesMax = 256 * 1024;

/** The `fetch` of the platform, as far as it is used. */
export type Fetch = (
  url: string,
  options: {
    readonly redirect: "error";
    readonly headers: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
  },
) => Promise<Response>;

export interface ArmCertificatesOptions {
  readonly metadataUrl: string;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly log: Log;
}

/** A certificate of the document, and when the document says that it counts. */
interface Published {
  readonly certificate: X509Certificate;
  readonly notBefore: number;
  readonly notAfter: number;
}

const time = z.iso.datetime({ offset: true, local: true }).transform((text) => {
  // without an offset it is UTC
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
});
const documentForm = z.object({
  clientCertificates: z
    .array(z.object({ certificate: z.base64(), notBefore: time, notAfter: time }))
    .min(1)
    .max(100),
});

/** What is wrong with a document or the way to it, in a sentence for the log. */
class MetadataError extends Error {}

export class ArmCertificates implements Authenticator {
  readonly #options: ArmCertificatesOptions;
  readonly #pace = new PollPace({ intervalMs: retryFirstMs });
  #published: readonly Published[] = [];
  #fetchedAtMs: number | undefined;

  constructor(options: ArmCertificatesOptions) {
    this.#options = options;
  }

  /** Whether what was fetched last counts; if not, nobody is let in. */
  get isReady(): boolean {
    return (
      this.#fetchedAtMs !== undefined &&
      this.#options.clock.monotonic() - this.#fetchedAtMs <= usableMs
    );
  }

  judge(request: Parameters<Authenticator["judge"]>[0]): Judgement {
    const peer = peerOf(request);
    if (peer === undefined) return unknownCaller("no certificate was presented");
    if (!this.isReady) {
      return {
        refusal: new RpError(
          {
            code: "ServiceUnavailable",
            message: "It is not known at present which certificates are ARM's; try again.",
          },
          { retryAfterSeconds: retryFirstMs / 1000 },
        ),
        reason: "the certificates of ARM are not known",
      };
    }
    return this.#judge(peer);
  }

  #judge({ certificate }: Peer): Judgement {
    const now = this.#options.clock.now();
    const subject = subjectOf(certificate);
    const published = this.#published.find((each) => each.certificate.raw.equals(certificate.raw));
    if (published === undefined) {
      return unknownCaller(`the certificate of '${subject}' is none that ARM publishes`);
    }
    const timeFault = validityFault(certificate, now);
    if (timeFault !== undefined) return unknownCaller(`the certificate ${timeFault}`);
    if (now < published.notBefore || now > published.notAfter) {
      return unknownCaller(`the certificate of '${subject}' is not one that ARM uses now`);
    }
    return { caller: { isAuthenticated: true, subject } };
  }

  /** Keeps the certificates fresh until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await this.#refresh(signal);
      const waitMs = this.#pace.failures === 0 ? refreshMs : this.#pace.waitMs;
      try {
        await clock.sleep(waitMs, signal);
      } catch {
        return;
      }
    }
  }

  async #refresh(stop: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    using deadline = deadlineSignal({
      clock,
      afterMs: fetchLimitMs,
      reason: () => new MetadataError(`there was no answer within ${fetchLimitMs / 1000} s`),
      parents: [stop],
    });
    try {
      const begunAtMs = clock.monotonic();
      const published = await untilAborted(deadline.signal, async () =>
        this.#fetch(deadline.signal),
      );
      this.#fetchedAtMs = begunAtMs;
      this.#pace.looked(1);
      const [before, now] = [this.#published, published].map((each) => each.map(fingerprint));
      this.#published = published;
      const isChanged = before?.toString() !== now?.toString();
      log[isChanged ? "info" : "debug"]({ fingerprints: now }, "ARM's certificates were fetched");
    } catch (error) {
      if (stop.aborted) return;
      this.#pace.failed();
      const fields = { isReady: this.isReady, retryMs: this.#pace.waitMs };
      const message = "ARM's certificates could not be fetched";
      if (error instanceof MetadataError) log.warn({ ...fields, reason: error.message }, message);
      else log.warn({ ...fields, error }, message);
    }
  }

  async #fetch(signal: AbortSignal): Promise<readonly Published[]> {
    const { fetch, metadataUrl } = this.#options;
    const response = await fetch(metadataUrl, {
      redirect: "error",
      headers: { Accept: "application/json" },
      signal,
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new MetadataError(`the answer was ${response.status}`);
    }
    return parse(await read(response));
  }
}

function fingerprint({ certificate }: Published): string {
  return certificate.fingerprint256;
}

/** Never more of it than is allowed, whatever the headers say. */
async function read(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > documentBytesMax) {
      throw new MetadataError(`the document has more than ${documentBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): readonly Published[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MetadataError("the document is not JSON");
  }
  const { data, error } = documentForm.safeParse(value);
  if (data === undefined) {
    const [issue] = error.issues;
    throw new MetadataError(`the document has not the form expected: ${issue?.path.join(".")}`);
  }
  return data.clientCertificates.map(({ certificate, notBefore, notAfter }) => {
    try {
      const der = Buffer.from(certificate, "base64");
      return { certificate: new X509Certificate(der), notBefore, notAfter };
    } catch {
      throw new MetadataError("the document has a certificate that cannot be read");
    }
  });
}
