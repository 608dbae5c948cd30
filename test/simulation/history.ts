/**
 * What was stored, and when: an answer is held against it, as a call may have seen any moment between its beginning and its end.
 * It must never forget anything.
 */
import type { RpDocument } from "../../src/model/document.ts";

interface Moment {
  readonly at: number;
  /** As it was from then on; absent when it was removed. */
  readonly document: RpDocument | undefined;
}

export class History {
  readonly #moments = new Map<string, Moment[]>();

  /** @param name of a cluster or a subscription, see `historyName`. */
  note(name: string, moment: Moment): void {
    const moments = this.#moments.get(name);
    if (moments === undefined) this.#moments.set(name, [moment]);
    else moments.push(moment);
  }

  /** Whether it was like this at any moment since then; before it was first written there was nothing. */
  wasEver(
    name: string,
    since: number,
    isLikeThis: (document: RpDocument | undefined) => boolean,
  ): boolean {
    const moments: readonly Moment[] = [
      { at: -Infinity, document: undefined },
      ...(this.#moments.get(name) ?? []),
    ];
    return moments.some(({ document }, index) => {
      const until = moments[index + 1]?.at ?? Infinity;
      return until >= since && isLikeThis(document);
    });
  }
}

/** By which name the history knows a document; records of operations it doesn't keep. */
export function historyName(document: RpDocument): string | undefined {
  if (document.kind === "cluster") return document.resourceId;
  return document.kind === "subscription" ? document.subscriptionId : undefined;
}
