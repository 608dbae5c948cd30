/**
 * Leases in the embedded database: a row for each. Whether one has run out is judged by the clock of the machine, which all processes on
 * the file share. A lease must never be taken from an owner before its time by that clock.
 */
import type { EpochMs } from "../model/document.ts";
import type { Clock } from "../runtime/clock.ts";
import type { SqliteCalls } from "./sqliteCalls.ts";
import type { CallOptions, Lease, LeaseAttempt } from "./store.ts";

interface LeaseRow {
  readonly owner: string;
  readonly expires_at: EpochMs;
  readonly lease_ms: number;
}

export class SqliteLeases {
  readonly #calls: SqliteCalls;
  readonly #clock: Clock;

  constructor(options: { readonly calls: SqliteCalls; readonly clock: Clock }) {
    this.#calls = options.calls;
    this.#clock = options.clock;
  }

  /** As `Store.acquireLease`. */
  async acquire(
    request: { readonly name: string; readonly owner: string; readonly leaseMs: number },
    options: CallOptions,
  ): Promise<LeaseAttempt> {
    const { name, owner, leaseMs } = request;
    return this.#calls.write((): LeaseAttempt => {
      const now = this.#clock.now();
      const remainingMs = this.#curtailedMs(name);
      if (remainingMs !== undefined && this.#lease(name)?.owner !== owner) {
        return { acquired: false, remainingMs };
      }
      this.#calls
        .statement(
          `INSERT INTO leases (name, owner, expires_at, lease_ms) VALUES (?1, ?2, ?3, ?4)
           ON CONFLICT (name) DO UPDATE SET owner = ?2, expires_at = ?3, lease_ms = ?4`,
        )
        .run(name, owner, now + leaseMs, leaseMs);
      return { acquired: true, lease: { name, owner } };
    }, options);
  }

  /** As `Store.renewLease`. */
  async renew(
    lease: Lease,
    request: { readonly leaseMs: number },
    options: CallOptions,
  ): Promise<boolean> {
    return this.#calls.write(() => {
      const now = this.#clock.now();
      const { changes } = this.#calls
        .statement(
          `UPDATE leases SET expires_at = ?, lease_ms = ?
           WHERE name = ? AND owner = ? AND expires_at > ?`,
        )
        .run(now + request.leaseMs, request.leaseMs, lease.name, lease.owner, now);
      return changes === 1;
    }, options);
  }

  /** As `Store.releaseLease`. */
  async release(lease: Lease, options: CallOptions): Promise<void> {
    await this.#calls.write(() => {
      this.#calls
        .statement("DELETE FROM leases WHERE name = ? AND owner = ?")
        .run(lease.name, lease.owner);
    }, options);
  }

  /** As `Store.leaseRemainingMs`. */
  async remainingMs(name: string, options: CallOptions): Promise<number | undefined> {
    const held = await this.#calls.read(() => this.#lease(name), options);
    const remainingMs = heldMs(held, this.#clock.now());
    if (held === undefined || remainingMs === undefined || remainingMs <= held.lease_ms) {
      return remainingMs;
    }
    return this.#calls.write(() => this.#curtailedMs(name), options);
  }

  #lease(name: string): LeaseRow | undefined {
    return this.#calls
      .statement("SELECT owner, expires_at, lease_ms FROM leases WHERE name = ?")
      .get(name) as LeaseRow | undefined;
  }

  /**
   * How much longer somebody holds it. A lease that would last longer than it was granted for was granted before the clock
   * was set back: from now on it counts anew. A live holder renews it meanwhile, a dead one's runs out.
   */
  #curtailedMs(name: string): number | undefined {
    const now = this.#clock.now();
    const held = this.#lease(name);
    const remainingMs = heldMs(held, now);
    if (held === undefined || remainingMs === undefined || remainingMs <= held.lease_ms) {
      return remainingMs;
    }
    this.#calls
      .statement("UPDATE leases SET expires_at = ? WHERE name = ?")
      .run(now + held.lease_ms, name);
    return held.lease_ms;
  }
}

/** How much longer a lease is held by what its row says; `undefined` when it isn't. */
function heldMs(held: LeaseRow | undefined, now: EpochMs): number | undefined {
  return held === undefined || held.expires_at <= now ? undefined : held.expires_at - now;
}
