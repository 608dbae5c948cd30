/** The operator's listener of a real process, called as an operator would. */
import { expect } from "vitest";
import type { RpProcess } from "./rpProcess.ts";

const json = { "Content-Type": "application/json" };

// oxlint-disable-next-line typescript/no-explicit-any -- bodies of any form
type Body = any;

/** The operator's listener of a process. */
export class Operator {
  readonly #url: string;
  readonly #rp: RpProcess;

  constructor(rp: RpProcess) {
    this.#rp = rp;
    this.#url = String(rp.log.find(({ adminUrl }) => adminUrl !== undefined)?.["adminUrl"]);
  }

  async get(path: string): Promise<{ readonly status: number; readonly body: Body }> {
    const response = await fetch(`${this.#url}${path}`);
    return { status: response.status, body: (await response.json()) as Body };
  }

  async post(path: string): Promise<{ readonly status: number; readonly body: Body }> {
    const response = await fetch(`${this.#url}${path}`, {
      method: "POST",
      headers: json,
      body: "{}",
    });
    return { status: response.status, body: (await response.json()) as Body };
  }

  /** Until nothing of its work is in hand any more; to be asked for after the drain. */
  async untilDrained(): Promise<void> {
    await this.#rp.logged(({ message }) => String(message).startsWith("drained"));
    expect((await this.get("/admin/v1/process")).body.state).toBe("drained");
  }

  /** What the audit log tells: action, status and code. */
  get audited(): readonly unknown[] {
    return this.#rp.log
      .filter(({ audit, intent }) => audit === true && intent === undefined)
      .map(({ action, status, actor, level }) => [action, status, actor, level]);
  }
}
