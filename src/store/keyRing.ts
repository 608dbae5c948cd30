/**
 * The keys that secrets are sealed by: the newest seals, all of them open. Where they come from is the source's business. While
 * the process runs they are read again, every few minutes, and when a document names a key that isn't known: so a new key needs no
 * restart, what another process has sealed by it already can be opened, and keys that are gone are noticed while the process still
 * has them.
 *
 * It must never go on without a key, nor let a flood of documents with an unknown key become a flood of readings.
 */
import type { Clock } from "../runtime/clock.ts";
import { untilAborted } from "../runtime/deadlineSignal.ts";
import type { SealingKey } from "./sealedSecrets.ts";

/** Where keys are kept. */
export interface KeySource {
  /**
   * All keys, the newest first; at least one, no two of one name.
   *
   * @param signal gives up, with its reason.
   * @throws when they can't be had; the message says why, and holds nothing of a key.
   */
  load(signal?: AbortSignal): Promise<readonly SealingKey[]>;
}

export interface KeyRingOptions {
  readonly source: KeySource;
  readonly clock: Pick<Clock, "monotonic">;
  /** Told when keys could not be read again; those that were known stay in use. */
  readonly onReloadFailed?: (error: unknown) => void;
  /** Told which key seals and how many there are, at the start and whenever that has changed. */
  readonly onChanged?: (keys: { readonly keyId: string; readonly count: number }) => void;
}

/** How old the keys may get before something is sealed: so long after it was made, every process uses a new key. */
export const refreshMs = 5 * 60_000;
/** They are not read more often than that, whatever is asked for. */
const reloadPauseMs = 5_000;

/** Keys by name, the newest first. */
type Keys = ReadonlyMap<string, SealingKey>;

export class KeyRing {
  readonly #options: KeyRingOptions;
  #keys: Keys;
  /** When they were last asked for. */
  #loadedAt: number;
  /** When they were last had. */
  #readAt: number;
  #loading: Promise<void> | undefined;

  private constructor(options: KeyRingOptions, keys: Keys) {
    this.#options = options;
    this.#keys = keys;
    this.#loadedAt = options.clock.monotonic();
    this.#readAt = this.#loadedAt;
    this.#tellChanged();
  }

  /** @throws what the source throws. */
  static async open(options: KeyRingOptions, signal?: AbortSignal): Promise<KeyRing> {
    return new KeyRing(options, await loaded(options.source, signal));
  }

  /** The newest key. */
  async current(signal?: AbortSignal): Promise<SealingKey> {
    if (this.#askedMs >= refreshMs) await this.#reload(signal);
    const [newest] = this.#keys.values();
    if (newest === undefined) throw new TypeError("there is no key");
    return newest;
  }

  /** The newest key, read now. */
  async latest(signal?: AbortSignal): Promise<SealingKey> {
    await this.#reload(signal);
    return this.current(signal);
  }

  /** How long ago they could be read the last time. */
  get ageMs(): number {
    return this.#options.clock.monotonic() - this.#readAt;
  }

  /** Reads them again and again, whether they are used or not, until the signal is aborted. */
  async watch(clock: Pick<Clock, "sleep">, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await clock.sleep(refreshMs, signal);
        await this.#reload(signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  /** The key of that name; `undefined` when it isn't there now either. */
  async find(id: string, signal?: AbortSignal): Promise<SealingKey | undefined> {
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    if (this.#loading !== undefined || this.#askedMs >= reloadPauseMs) {
      await this.#reload(signal);
    }
    return this.#keys.get(id);
  }

  get #askedMs(): number {
    return this.#options.clock.monotonic() - this.#loadedAt;
  }

  /** One reading for all that wait; it goes on when one of them gives up. Rejects with the signal's reason only. */
  async #reload(signal: AbortSignal | undefined): Promise<void> {
    const loading = (this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    }));
    await (signal === undefined ? loading : untilAborted(signal, async () => loading));
  }

  async #load(): Promise<void> {
    const { source, clock, onReloadFailed } = this.#options;
    try {
      const former = this.#keys;
      this.#keys = await loaded(source);
      this.#readAt = clock.monotonic();
      if (namesOf(former) !== namesOf(this.#keys)) this.#tellChanged();
    } catch (error) {
      onReloadFailed?.(error);
    }
    // a failure counts too
    this.#loadedAt = clock.monotonic();
  }

  #tellChanged(): void {
    const [keyId] = this.#keys.keys();
    if (keyId !== undefined) this.#options.onChanged?.({ keyId, count: this.#keys.size });
  }
}

/** In their order. */
function namesOf(keys: Keys): string {
  return JSON.stringify([...keys.keys()]);
}

async function loaded(source: KeySource, signal?: AbortSignal): Promise<Keys> {
  const keys = new Map((await source.load(signal)).map((key) => [key.id, key]));
  if (keys.size === 0) throw new TypeError("a source gave no key");
  return keys;
}
