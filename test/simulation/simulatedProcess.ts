/**
 * A process of the resource provider in the simulation: the roles of the product, unchanged, over the simulated network. A
 * request enters below HTTP — path, body and headers as the server hands them on — because sockets keep their own time.
 */
import { Backend } from "../../src/backend/backend.ts";
import { Forwarder } from "../../src/forwarder/forwarder.ts";
import type { Answer } from "../../src/listener/answer.ts";
import { Backlog } from "../../src/frontend/backlog.ts";
import { Contract } from "../../src/frontend/contract.ts";
import { asRpError, errorAnswer } from "../../src/listener/errorAnswer.ts";
import { operations } from "../../src/frontend/operations.ts";
import type { RequestContext } from "../../src/listener/requestContext.ts";
import { parseRequestPath, type RequestPath } from "../../src/listener/requestPath.ts";
import { SkipTokens } from "../../src/frontend/skipTokens.ts";
import { noTraces } from "../../src/runtime/traces.ts";
import { RpError } from "../../src/model/rpError.ts";
import { deadlineSignal } from "../../src/runtime/deadlineSignal.ts";
import type { Ids, Random } from "../../src/runtime/ids.ts";
import { silentLog, type Log } from "../../src/runtime/log.ts";
import { Nudge } from "../../src/runtime/nudge.ts";
import type { Store } from "../../src/store/store.ts";
import { apiVersions } from "../../src/versions/registry.ts";
import type { MemoryQueue } from "../queue/memoryQueue.ts";
import type { MemoryStore } from "../store/memoryStore.ts";
import type { Cloud } from "./cloud.ts";
import { Host } from "./host.ts";
import { laterRelease } from "./laterRelease.ts";
import type { Network } from "./network.ts";
import { NetworkedQueue, NetworkedStore, type PortHost } from "./networkedPorts.ts";
import type { Profile, Role } from "./profile.ts";
import type { Witness } from "./witness.ts";
import type { World } from "./world.ts";

/** One for all simulations: it keeps no state. */
const contract = await Contract.load(apiVersions, operations);

/** How long ARM waits for an answer. */
const requestMs = 30_000;
const graceMs = 4_000;
/** More than any schedule has under way: the publication is read, and refuses nobody. */
const operationsLimit = 1_000;
const location = "eastus";
export const origin = "https://management.example";

export interface Ground {
  readonly world: World;
  readonly network: Network;
  readonly store: MemoryStore;
  readonly queue: MemoryQueue;
  readonly cloud: Cloud;
  readonly witness: Witness;
  readonly profile: Profile;
  readonly ids: Ids;
}

export interface ApiRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer, and the id under which the request is known inside. */
export interface ApiAnswer extends Answer {
  readonly requestId: string;
}

export class SimulatedProcess {
  readonly host: Host;
  readonly roles: readonly Role[];
  readonly #ground: Ground;
  readonly #stop = new AbortController();
  readonly #committed: Nudge;
  readonly #sent: Nudge;
  readonly #frontendStore: Store;
  readonly #random: Random;
  readonly #backlog: Backlog;

  constructor(ground: Ground, options: { readonly name: string; readonly roles: readonly Role[] }) {
    const { world, profile } = ground;
    const { skewMs } = profile;
    this.#ground = ground;
    this.roles = options.roles;
    this.host = new Host({
      world,
      name: options.name,
      skewMs: Math.round(world.chance.between(-skewMs / 2, skewMs / 2)),
    });
    this.#committed = new Nudge(this.host.clock);
    this.#sent = new Nudge(this.host.clock);
    this.#random = {
      fraction: () => world.chance.fraction(),
      integer: (limit) => world.chance.below(limit),
      bytes: (count) => Uint8Array.from({ length: count }, () => world.chance.below(256)),
    };
    this.#frontendStore = laterRelease(new NetworkedStore(this.#port("frontend"), ground.store));
    this.#backlog = new Backlog({
      store: this.#frontendStore,
      clock: this.host.clock,
      limit: operationsLimit,
    });
    this.#run();
  }

  get isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Asks it to stop (SIGTERM); it is gone once it has, or at the latest after a while. */
  stop(): void {
    const { world } = this.#ground;
    if (this.isStopping || this.host.isDead) return;
    world.note(`${this.host.name} is asked to stop`);
    // the signal arrives when the process runs
    this.host.perform(() => this.#stop.abort());
    world.after(graceMs + 1_000, () => this.host.kill());
  }

  #run(): void {
    const { ids, profile, cloud, store, queue } = this.#ground;
    const { timing, intervalMs, workers } = profile;
    const { host } = this;
    const shared = {
      clock: host.clock,
      ids,
      log: this.#log(),
      timing,
      polling: { intervalMs },
      sent: this.#sent,
    };
    const running: Promise<void>[] = [];
    if (this.roles.includes("backend")) {
      const port = this.#port("backend");
      const backend = new Backend({
        ...shared,
        store: laterRelease(new NetworkedStore(port, store)),
        queue: new NetworkedQueue(port, queue),
        installer: cloud.installer(host),
        random: this.#random,
        workers,
        stopGraceMs: graceMs,
      });
      running.push(backend.run(this.#stop.signal));
    }
    if (this.roles.includes("forwarder")) {
      const port = this.#port("forwarder");
      const forwarder = new Forwarder({
        ...shared,
        store: laterRelease(new NetworkedStore(port, store)),
        queue: new NetworkedQueue(port, queue),
        location,
        committed: this.#committed,
      });
      running.push(forwarder.run(this.#stop.signal));
    }
    void Promise.all(running).then(() => {
      if (this.isStopping) host.kill();
    });
  }

  /** What the frontend of this process answers. It may never come. */
  async request({ method, url, body, headers = {} }: ApiRequest): Promise<ApiAnswer> {
    const { ids } = this.#ground;
    const { clock } = this.host;
    using deadline = deadlineSignal({
      clock,
      afterMs: requestMs,
      reason: () => new RpError({ code: "ServiceUnavailable", message: "too late" }),
    });
    const requestId = ids.guid();
    let target: RequestPath | undefined;
    const context: RequestContext = {
      requestId,
      correlationId: requestId,
      span: noTraces.start("", { kind: "server", parent: undefined, guid: requestId }),
      get target() {
        return (target ??= parseRequestPath(url));
      },
      origin,
      signal: deadline.signal,
      logIds: { requestId },
      log: this.#log(),
      caller: { isAuthenticated: false },
      header: (name) => headers[name.toLowerCase()],
      note: () => {},
    };
    try {
      const path = context.target;
      const answer = await contract.route(method, path).run({
        path: path.path,
        query: path.query,
        body,
        context,
        services: {
          store: this.#frontendStore,
          clock,
          ids,
          skipTokens: new SkipTokens({ store: this.#frontendStore, random: this.#random }),
          backlog: this.#backlog,
          committed: this.#committed,
          location,
          unannouncedSubscriptions: "Registered",
          retryAfterSeconds: 1,
        },
      });
      return { ...answer, requestId };
    } catch (thrown) {
      const error = asRpError(thrown);
      if (error.status === 500) this.#ground.witness.violated(`a 500: ${String(error.cause)}`);
      return { ...errorAnswer(error), requestId };
    }
  }

  #port(role: Role): PortHost {
    const { network, witness } = this.#ground;
    const { host } = this;
    return {
      host,
      role,
      network,
      inName: async (effect) => witness.inName({ host, role }, effect),
      onFreeLease: (name) => witness.onFreeLease(host, name),
    };
  }

  /** Lines of the product are lines of the run; a defect that it reports is a violation. */
  #log(): Log {
    const { world, witness } = this.#ground;
    const note = (level: string, fields: object, message: string): void => {
      world.note(`${this.host.name} ${level}: ${message}`);
      const { error } = fields as { readonly error?: unknown };
      if (error instanceof TypeError || error instanceof RangeError) {
        witness.violated(`a defect was logged: ${message}: ${error.stack ?? error.message}`);
      }
    };
    return {
      ...silentLog,
      warn: (fields, message) => note("warn", fields, message),
      error: (fields, message) => note("error", fields, message),
      child: () => this.#log(),
    };
  }
}
