/**
 * What lies between a process and everything outside it: store, queue, cloud. A call travels, takes effect and is answered, each
 * at a time of its own; on the way it may be refused, get lost, land late, or never be answered, and its process may die or stand
 * still at each of these moments. It must never make an answer up: what a caller is told is what the port allows for what
 * happened.
 */
import type { Host } from "./host.ts";
import type { Weather } from "./profile.ts";
import type { World } from "./world.ts";

export type Place = "store" | "queue" | "cloud";

/** How a call differs from others, and what its caller may be told. */
export interface CallKind<T> {
  readonly place: Place;
  readonly name: string;
  readonly signal: AbortSignal | undefined;
  /** Takes effect at once. */
  readonly effect: () => Promise<T>;
  /** Nothing has happened. */
  readonly refused: (retryAfterMs?: number) => Error;
  /** It may have happened; without it such a call counts as refused, as one that only reads. */
  readonly unanswered?: () => Error;
  /** A condition is said not to hold, though it does. */
  readonly conflict?: () => Error;
}

/** What becomes of a call. */
type Fate =
  | "well"
  | "refused"
  | "throttled"
  | "conflict"
  /** Lost on its way, and the caller is told that nobody answered. */
  | "lost"
  /** Happened, and the caller is told that nobody answered. */
  | "unanswered"
  /** The caller is told that nobody answered, and then it happens. */
  | "late"
  /** Lost, and the caller is told nothing. */
  | "silentBefore"
  /** Happened, and the caller is told nothing. */
  | "silentAfter"
  | "slow";

const fates: readonly Exclude<Fate, "well">[] = [
  "refused",
  "throttled",
  "conflict",
  "lost",
  "unanswered",
  "late",
  "silentBefore",
  "silentAfter",
  "slow",
];

/** A cloud call that is told nothing would hold its step until the deadline; that says nothing about the protocol. */
const cloudFates: readonly Exclude<Fate, "well">[] = [
  "refused",
  "lost",
  "unanswered",
  "late",
  "slow",
];

export interface NetworkOptions {
  readonly world: World;
  readonly weather: Weather;
  /** The longest that a late or slow call is on its way; a late one to the cloud, eight times as long. */
  readonly longMs: number;
  /** Told of a call that doesn't go well: its process can't be blamed for what follows. */
  readonly onFault: (host: Host) => void;
}

/** All connections of a simulation. */
export class Network {
  readonly #options: NetworkOptions;
  readonly #cut = new Map<Host, Set<Place>>();
  /** Calls that a fault keeps on their way. */
  #lateCalls = 0;
  #isCalm = false;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** Whether a call is on its way that a fault has delayed. */
  get hasLateCalls(): boolean {
    return this.#lateCalls > 0;
  }

  /** From now on every call goes well. */
  calmDown(): void {
    this.#isCalm = true;
    this.#cut.clear();
  }

  /** Cuts a process off from a place for a while. */
  cutOff(host: Host, place: Place, durationMs: number): void {
    const { world } = this.#options;
    world.note(`${host.name} is cut off from the ${place} for ${Math.round(durationMs)} ms`);
    const places = this.#cut.get(host) ?? new Set();
    this.#cut.set(host, places.add(place));
    world.after(durationMs, () => places.delete(place));
  }

  /** A call of a process. It gives up waiting when its signal says so; the call goes on. */
  async call<T>(host: Host, kind: CallKind<T>): Promise<T> {
    // one of its own: whoever waits for a promise that all runs share is kept for ever
    if (host.isDead) return new Promise<never>(() => {});
    kind.signal?.throwIfAborted();
    const { world } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const giveUp = (): void => reject(kind.signal?.reason);
    kind.signal?.addEventListener("abort", giveUp, { once: true });
    const answer = (tell: () => void): void => {
      world.after(this.#travelMs(), () => {
        this.#befall(host);
        host.perform(() => {
          kind.signal?.removeEventListener("abort", giveUp);
          tell();
        });
      });
    };
    const fate = this.#fate(host, kind);
    if (fate !== "well") this.#options.onFault(host);
    world.note(`${host.name} ${kind.name}${fate === "well" ? "" : ` ${fate}`}`);
    const happen = (delayMs: number, isAnswered: boolean): void => {
      if (fate !== "well") this.#lateCalls += 1;
      world.after(delayMs, () => {
        if (fate !== "well") this.#lateCalls -= 1;
        world.note(`${kind.name} of ${host.name} arrives`);
        const outcome = kind.effect();
        // what it began is hit as well: a claim, of which its process will not know
        if (fate !== "well") this.#options.onFault(host);
        this.#befall(host);
        outcome.then(
          (value) => isAnswered && answer(() => resolve(value)),
          (error: Error) => isAnswered && answer(() => reject(error)),
        );
      });
    };
    const fail = (error: Error): void => answer(() => reject(error));
    const unanswered = kind.unanswered ?? kind.refused;
    // what is on its way has left; a process that stands still or dies before has sent nothing
    this.#befall(host);
    host.perform(() => {
      const travelMs = this.#travelMs();
      const { longMs } = this.#options;
      // what a cloud does by itself may take longer than a cluster of that name lives
      const { place } = kind;
      switch (fate) {
        case "well":
          return happen(travelMs, true);
        case "slow":
          return happen(longMs * world.chance.fraction(), true);
        case "refused":
          return fail(kind.refused());
        case "throttled":
          return fail(kind.refused(world.chance.between(10, 3_000)));
        case "conflict":
          return fail((kind.conflict ?? kind.refused)());
        case "lost":
          return fail(unanswered());
        case "unanswered":
          happen(travelMs, false);
          return fail(unanswered());
        case "late":
          happen(travelMs + longMs * (place === "cloud" ? 8 : 1) * world.chance.fraction(), false);
          return fail(unanswered());
        case "silentBefore":
          return undefined;
        case "silentAfter":
          return happen(travelMs, false);
      }
    });
    return promise;
  }

  #fate<T>(host: Host, { place, unanswered }: CallKind<T>): Fate {
    if (this.#isCalm) return "well";
    const { world, weather } = this.#options;
    const { chance } = world;
    if (this.#cut.get(host)?.has(place) === true) {
      return chance.pick(["refused", "lost", "silentBefore"]);
    }
    if (!chance.happens(weather.call)) return "well";
    const fate = chance.pick(place === "cloud" ? cloudFates : fates);
    // what only reads may not say that it perhaps has written
    return unanswered === undefined && (fate === "unanswered" || fate === "late") ? "lost" : fate;
  }

  /** Whatever may befall a process at any moment. */
  #befall(host: Host): void {
    if (this.#isCalm) return;
    const { world, weather, longMs } = this.#options;
    if (world.chance.happens(weather.death)) {
      this.#options.onFault(host);
      host.kill();
    } else if (world.chance.happens(weather.standing)) {
      this.#options.onFault(host);
      host.stand(longMs * world.chance.between(0.1, 1.5));
    }
  }

  /** Mostly a few milliseconds. */
  #travelMs(): number {
    const { chance } = this.#options.world;
    return chance.happens(0.9) ? chance.between(0.2, 5) : chance.between(5, 200);
  }
}
