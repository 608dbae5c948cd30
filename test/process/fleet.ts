/**
 * Several RP processes on one data folder, each with roles of its own, of which any may be killed and is then started again
 * under the same name. One of them is the frontend; where it listens changes with each start.
 */
import { RpProcess, type Environment, type Exit } from "./rpProcess.ts";

/** The roles of each process, by a name for it; `web` has the frontend. */
export type FleetRoles = Readonly<Record<"web" | (string & {}), string>>;

export class Fleet implements AsyncDisposable {
  readonly #settings: Environment;
  readonly #roles: FleetRoles;
  readonly #processes = new Map<string, RpProcess>();
  readonly #up = new Set<RpProcess>();
  #fault: unknown;

  private constructor(settings: Environment, roles: FleetRoles) {
    this.#settings = settings;
    this.#roles = roles;
  }

  /** Starts all of them and waits until each says that it runs. */
  static async start(settings: Environment, roles: FleetRoles): Promise<Fleet> {
    const fleet = new Fleet(settings, roles);
    for (const name of Object.keys(roles)) fleet.#start(name);
    await Promise.all(Object.keys(roles).map(async (name) => fleet.untilUp(name)));
    return fleet;
  }

  /** The present process of this name. */
  process(name: string): RpProcess {
    const process = this.#processes.get(name);
    if (process === undefined) throw new Error(`there is no process ${name}`);
    return process;
  }

  /**
   * The names of those that have said that they run.
   *
   * @throws when one has ended by itself instead.
   */
  get up(): readonly string[] {
    if (this.#fault !== undefined) throw this.#fault;
    return [...this.#processes].flatMap(([name, process]) => (this.#up.has(process) ? [name] : []));
  }

  /** Resolves when the present process of this name, or one that has replaced it meanwhile, says that it runs. */
  async untilUp(name: string): Promise<RpProcess> {
    for (;;) {
      const process = this.process(name);
      try {
        await process.logged(({ version }) => version !== undefined);
        return process;
      } catch (error) {
        // it was killed before it had said so
        if (process === this.process(name)) throw error;
      }
    }
  }

  /** Kills one with SIGKILL and starts it again, without waiting for either. */
  restart(name: string): void {
    this.process(name).kill("SIGKILL");
    this.#start(name);
  }

  /** Tells all of them to stop, once they run: one that is only being loaded has no ear for that yet. @returns how they ended. */
  async stop(): Promise<readonly Exit[]> {
    await Promise.all(Array.from(this.#processes.keys(), async (name) => this.untilUp(name)));
    for (const process of this.#processes.values()) process.kill("SIGTERM");
    return Promise.all(Array.from(this.#processes.values(), async (process) => process.exit()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = Array.from(this.#processes.values());
    await Promise.all(all.map(async (process) => process[Symbol.asyncDispose]()));
  }

  #start(name: string): void {
    const started = RpProcess.spawn({
      PORT: "0",
      ...this.#settings,
      ROLES: this.#roles[name] ?? "",
    });
    this.#processes.set(name, started);
    const noteUp = async (): Promise<void> => {
      await started.logged(({ version }) => version !== undefined);
      this.#up.add(started);
    };
    noteUp().catch((error: unknown) => {
      // else it was killed before it had said so
      if (this.#processes.get(name) === started) this.#fault = error;
    });
  }
}
