/** A call as a span. It must never change what the call brings or throws. */
import type { Span } from "./traces.ts";

/**
 * Runs a call as a span of its own.
 *
 * @throws what the call throws.
 */
export async function inSpan<T>(span: Span, call: () => Promise<T>): Promise<T> {
  try {
    const result = await call();
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}
