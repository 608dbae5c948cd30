/**
 * Work in the background of a measurement: clusters are asked for at a steady pace, so that about as many are always being
 * installed. The answers of these requests are part of no figure, their cost is part of the process's.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { apiVersion, createBody } from "./scenarios.ts";
import { clusterPath } from "./storedClusters.ts";

const createsPerSecond = 4;

/** About as many are being installed at any time. */
export function installingAtOnce(installSeconds: number): number {
  return Math.ceil(installSeconds * createsPerSecond);
}

export class BackgroundCreates implements AsyncDisposable {
  readonly #url: string;
  readonly #over = new AbortController();
  readonly #running: Promise<void>;
  #asked = 0;
  #refused = 0;

  /** Begins at once. @param url of the program. */
  constructor(url: string) {
    this.#url = url;
    this.#running = this.#run();
  }

  /** How many of the requests were not answered as they should. */
  get refused(): number {
    return this.#refused;
  }

  /** Resolves once the first cluster is installed: from then on as many end as begin. */
  async untilSteady(): Promise<void> {
    const url = `${this.#url}${clusterPath("background", 0)}?api-version=${apiVersion}`;
    for (;;) {
      const text = await (await fetch(url)).text();
      if (text.includes('"Succeeded"')) return;
      await sleep(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      const number = this.#asked;
      this.#asked += 1;
      const url = `${this.#url}${clusterPath("background", number)}?api-version=${apiVersion}`;
      const headers = { "Content-Type": "application/json" };
      try {
        const response = await fetch(url, {
          method: "PUT",
          headers,
          body: createBody("background"),
        });
        await response.arrayBuffer();
        if (response.status !== 201) this.#refused += 1;
      } catch {
        this.#refused += 1;
      }
      await sleep(1_000 / createsPerSecond, undefined, { signal }).catch(() => {
        // over
      });
    }
  }
}
