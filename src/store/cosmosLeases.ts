/**
 * Leases on Cosmos DB: an item for each, changed under its ETag only. Whether somebody else's lease has run out is judged by the
 * service's clock alone: the item's `_ts`, when it was written last, against the `Date` of the answer that brought it. No clock
 * of two of our machines is ever compared, so it doesn't matter how wrong they are. What is left:
 *
 * - Both are whole seconds, cut off: the true age is less than a second off, either way.
 * - `_ts` is set by a replica, `Date` by a gateway. Microsoft keeps them in step but promises no number; one second is
 *   allowed for. Should they be further apart, two workers may believe to hold one lease for that long: the documents stay
 *   right, as a claim fences the older one, and at most one call of an older step may still begin (docs/protocol.md).
 * - So a lease is given away `slackSeconds` after its length at the earliest, never before, and a second later at most.
 * - A holder counts from before its call, by its own monotonic clock, and stops at 5/6 of the length. It compares nothing.
 * - The service's clock could be set back: then a lease seems to have been written in the future. Whoever sees that writes it
 *   once more as it is, so that it counts anew from now; a live holder isn't hurt, a dead one's runs out.
 *
 * The items' time to live is no part of this. It is documented as removal in the background, invisible before to reads,
 * with no word on a create over an item that is due; it only clears away what nobody will ever ask for again.
 *
 * A lease has an owner id of its own for every acquisition. So no nonce is needed: after a lost answer the item itself says
 * whether it was written, and writing it again does no harm.
 */
import type { Container } from "@azure/cosmos";
import type { CosmosCall, CosmosCalls } from "./cosmosCalls.ts";
import { unavailable } from "./cosmosCalls.ts";
import { CosmosFailure, type AnswerHeaders } from "./cosmosFailure.ts";
import { isPossibleKey, itemIn } from "./cosmosItems.ts";
import {
  StoreOutcomeUnknownError,
  StoreUnavailableError,
  type CallOptions,
  type Lease,
  type LeaseAttempt,
  type Store,
} from "./store.ts";
import type { Clock } from "../runtime/clock.ts";

/** One for the seconds that are cut off, one for the clocks inside the service. */
const slackSeconds = 2;
/** How long after its end a forgotten lease is cleared away. */
const clearedAfterSeconds = 3_600;
/** How often somebody else may come first before the call is given up: each time somebody has got on. */
const racesMax = 50;

interface LeaseItem {
  readonly id: string;
  readonly owner: string;
  readonly leaseMs: number;
  readonly ttl: number;
}

interface LeaseItemRead extends LeaseItem {
  readonly _etag: string;
  /** When it was written last, in seconds by the service's clock. */
  readonly _ts: number;
}

/** A lease as it was read, and what the service's clock said then. */
interface LeaseRead {
  readonly item: LeaseItem;
  readonly etag: string;
  /** Since it was written, by the service's clock; `undefined` when it didn't tell the time. */
  readonly ageSeconds: number | undefined;
}

/** What this process last wrote of a lease, so that a renewal is one request. */
interface Held {
  readonly owner: string;
  readonly etag: string;
  readonly leaseMs: number;
  /** Before the request, by the monotonic clock of this process. */
  readonly at: number;
}

export class CosmosLeases {
  readonly #container: Container;
  readonly #calls: CosmosCalls;
  readonly #clock: Clock;
  /** The one written longest ago first. */
  readonly #held = new Map<string, Held>();
  /** Of others, when they were asked for last: until when they may last, by the monotonic clock. The one seen longest ago first. */
  readonly #seen = new Map<string, number>();

  constructor(options: {
    readonly container: Container;
    readonly calls: CosmosCalls;
    readonly clock: Clock;
  }) {
    this.#container = options.container;
    this.#calls = options.calls;
    this.#clock = options.clock;
  }

  async acquire(
    request: { readonly name: string; readonly owner: string; readonly leaseMs: number },
    options: CallOptions,
  ): Promise<LeaseAttempt> {
    const { name, owner, leaseMs } = request;
    assertName(name);
    const acquired: LeaseAttempt = { acquired: true, lease: { name, owner } };
    // whoever asks again and again for one that somebody has pays for one read each time
    let isProbablyHeld = this.#clock.monotonic() < (this.#seen.get(name) ?? -Infinity);
    return this.#write("acquireLease", name, options, async (call) => {
      const isTried = !isProbablyHeld;
      isProbablyHeld = false;
      if (isTried && (await this.#create(call, itemOf(name, owner, leaseMs)))) return acquired;
      const read = await this.#read(call, name);
      if (read === undefined) return undefined;
      const remainingMs = remainingMsOf(read);
      if (read.item.owner === owner || remainingMs === undefined) {
        const item = itemOf(name, owner, leaseMs);
        return (await this.#replace(call, item, read.etag)) ? acquired : undefined;
      }
      if (isFromTheFuture(read) && !(await this.#countAnew(call, read))) return undefined;
      this.#rememberSeen(name, remainingMs);
      return { acquired: false, remainingMs };
    });
  }

  async renew(
    { name, owner }: Lease,
    { leaseMs }: { readonly leaseMs: number },
    options: CallOptions,
  ): Promise<boolean> {
    assertName(name);
    const item = itemOf(name, owner, leaseMs);
    let known = this.#surelyHeld(name, owner);
    return this.#write("renewLease", name, options, async (call) => {
      if (known !== undefined) {
        const { etag } = known;
        known = undefined;
        if (await this.#replace(call, item, etag)) return true;
      }
      const read = await this.#read(call, name);
      if (read?.item.owner !== owner || remainingMsOf(read) === undefined) return false;
      return (await this.#replace(call, item, read.etag)) ? true : undefined;
    });
  }

  async release({ name, owner }: Lease, options: CallOptions): Promise<void> {
    assertName(name);
    let known = this.#surelyHeld(name, owner);
    await this.#write("releaseLease", name, options, async (call) => {
      if (known !== undefined) {
        const { etag } = known;
        known = undefined;
        if (await this.#remove(call, name, etag)) return true;
      }
      const read = await this.#read(call, name);
      if (read?.item.owner !== owner) return true;
      return (await this.#remove(call, name, read.etag)) ? true : undefined;
    });
  }

  async remainingMs(name: string, options: CallOptions): Promise<number | undefined> {
    assertName(name);
    return this.#calls.run("leaseRemainingMs", options, async (call) => {
      const read = await this.#read(call, name);
      if (read === undefined) return undefined;
      // should it have been written by somebody just now, it counts from now as well
      if (isFromTheFuture(read)) await this.#countAnew(call, read).catch(rethrowUnlessUnanswered);
      return remainingMsOf(read);
    });
  }

  /**
   * Goes on until there is a result: once more when somebody else came first, and after a request without an answer.
   *
   * @param attempt its result; `undefined` when somebody else came first.
   */
  async #write<T>(
    operation: keyof Store,
    name: string,
    options: CallOptions,
    attempt: (call: CosmosCall) => Promise<T | undefined>,
  ): Promise<T> {
    return this.#calls.run(operation, options, async (call) => {
      let inDoubt = false;
      try {
        for (let races = 0; races < racesMax;) {
          try {
            const result = await attempt(call);
            if (result !== undefined) return result;
            races += 1;
          } catch (error) {
            if (!(error instanceof CosmosFailure)) throw error;
            if (error.kind !== "unanswered" && error.kind !== "putOff") throw unavailable(error);
            if (error.kind === "unanswered") inDoubt = true;
            await call.pause(error);
          }
        }
        throw new StoreUnavailableError(`others keep writing the lease ${name}`);
      } catch (error) {
        if (!inDoubt || error instanceof StoreOutcomeUnknownError) throw error;
        throw new StoreOutcomeUnknownError(`nobody knows whether the lease ${name} was written`, {
          cause: error instanceof StoreUnavailableError ? error.cause : error,
        });
      }
    });
  }

  async #read(call: CosmosCall, name: string): Promise<LeaseRead | undefined> {
    try {
      const { item, headers } = await call.read(async (abortSignal) => {
        const answer = await this.#container.item(name, name).read<LeaseItemRead>({ abortSignal });
        const { headers: told, requestCharge } = answer;
        return { item: itemIn(answer), headers: told as AnswerHeaders, requestCharge };
      });
      const ageSeconds = Date.parse(String(headers["date"])) / 1_000 - item._ts;
      return {
        item,
        etag: item._etag,
        ageSeconds: Number.isNaN(ageSeconds) ? undefined : ageSeconds,
      };
    } catch (error) {
      if (error instanceof CosmosFailure && error.kind === "condition") return undefined;
      throw error;
    }
  }

  async #create(call: CosmosCall, item: LeaseItem): Promise<boolean> {
    return this.#conditional(call, item, async (abortSignal) =>
      this.#container.items.create(item, { abortSignal }),
    );
  }

  async #replace(call: CosmosCall, item: LeaseItem, etag: string): Promise<boolean> {
    return this.#conditional(call, item, async (abortSignal) =>
      this.#container.item(item.id, item.id).replace(item, {
        abortSignal,
        accessCondition: { type: "IfMatch", condition: etag },
      }),
    );
  }

  /** As it is, so that its time counts from now by a clock that was set back. */
  async #countAnew(call: CosmosCall, { item, etag }: LeaseRead): Promise<boolean> {
    const { id, owner, leaseMs } = item;
    return this.#replace(call, itemOf(id, owner, leaseMs), etag);
  }

  async #remove(call: CosmosCall, name: string, etag: string): Promise<boolean> {
    return this.#conditional(call, undefined, async (abortSignal) =>
      this.#container.item(name, name).delete({
        abortSignal,
        accessCondition: { type: "IfMatch", condition: etag },
      }),
    );
  }

  /** @returns whether the condition held. */
  async #conditional(
    call: CosmosCall,
    item: LeaseItem | undefined,
    send: (
      signal: AbortSignal,
    ) => Promise<{ readonly etag: string | undefined; readonly requestCharge: number }>,
  ): Promise<boolean> {
    const at = this.#clock.monotonic();
    try {
      const { etag } = await call.write(send);
      if (item !== undefined) this.#remember(item, etag, at);
      return true;
    } catch (error) {
      if (error instanceof CosmosFailure && error.kind === "condition") return false;
      throw error;
    }
  }

  /** @param etag `undefined` when the answer told none: then it has to be read before the next write. */
  #remember({ id, owner, leaseMs }: LeaseItem, etag: string | undefined, at: number): void {
    this.#held.delete(id);
    this.#seen.delete(id);
    if (etag === undefined || etag === "") return;
    this.#held.set(id, { owner, etag, leaseMs, at });
    for (const [name, held] of this.#held) {
      if (this.#isWithinLength(held)) break;
      this.#held.delete(name);
    }
  }

  #rememberSeen(name: string, remainingMs: number): void {
    const now = this.#clock.monotonic();
    this.#seen.delete(name);
    this.#seen.set(name, now + remainingMs);
    for (const [seen, until] of this.#seen) {
      if (now < until) break;
      this.#seen.delete(seen);
    }
  }

  /** What this owner wrote, if it can't have run out: nobody needs to ask the service for the time. */
  #surelyHeld(name: string, owner: string): Held | undefined {
    const held = this.#held.get(name);
    return held?.owner === owner && this.#isWithinLength(held) ? held : undefined;
  }

  #isWithinLength({ at, leaseMs }: Held): boolean {
    return this.#clock.monotonic() - at < leaseMs;
  }
}

function itemOf(id: string, owner: string, leaseMs: number): LeaseItem {
  return { id, owner, leaseMs, ttl: Math.ceil(leaseMs / 1_000) + clearedAfterSeconds };
}

/** How much longer somebody holds it; `undefined` when nobody does. */
function remainingMsOf({ item, ageSeconds }: LeaseRead): number | undefined {
  // without the time nobody can say that it has run out
  if (ageSeconds === undefined) return item.leaseMs;
  const remainingMs = item.leaseMs + (slackSeconds - ageSeconds) * 1_000;
  return remainingMs <= 0 ? undefined : Math.min(item.leaseMs, remainingMs);
}

/** Written later than now, by more than the clocks inside the service may differ. */
function isFromTheFuture({ ageSeconds }: LeaseRead): boolean {
  return ageSeconds !== undefined && ageSeconds < -slackSeconds;
}

function rethrowUnlessUnanswered(error: unknown): void {
  if (!(error instanceof CosmosFailure)) throw error;
}

function assertName(name: string): void {
  if (!isPossibleKey(name, name)) throw new TypeError("no lease can have this name");
}
