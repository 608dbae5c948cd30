/** An installer that waits and fails as a test tells it. It makes nothing but a password, so it costs no time. */
import type { Installer, Phase, StepContext, StepResult } from "../../src/installers/installer.ts";
import type { OperationKind } from "../../src/model/provisioningState.ts";
import { TerminalError } from "../../src/model/rpError.ts";

/** What every cluster gets. */
export const kubeadminPassword = "aaaaa-bbbbb-ccccc-ddddd";

export class HeldInstaller {
  readonly #gates = new Map<OperationKind, PromiseWithResolvers<void>>();
  readonly #failing = new Set<OperationKind>();
  readonly installer: Installer;

  constructor() {
    const phases = (kind: OperationKind): readonly Phase[] => [
      {
        name: "Only",
        steps: [{ name: kind, deadlineMs: 60_000, run: async (step) => this.#run(kind, step) }],
      },
    ];
    this.installer = {
      name: "held",
      phases: { create: phases("create"), update: phases("update"), delete: phases("delete") },
    };
  }

  /** Operations of this kind don't end from now on. */
  hold(kind: OperationKind): void {
    this.#gates.set(kind, Promise.withResolvers());
  }

  /** Those that wait go on. */
  release(kind: OperationKind): void {
    this.#gates.get(kind)?.resolve();
    this.#gates.delete(kind);
  }

  /** Whether operations of this kind fail from now on. */
  fail(kind: OperationKind, fails = true): void {
    if (fails) this.#failing.add(kind);
    else this.#failing.delete(kind);
  }

  async #run(kind: OperationKind, { signal }: StepContext): Promise<StepResult> {
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    await Promise.race([this.#gates.get(kind)?.promise, aborted]);
    if (this.#failing.has(kind)) {
      const message = "the quota of the region is used up";
      throw new TerminalError({ code: "InstallationFailed", message });
    }
    return kind === "create"
      ? { done: true, changes: { secrets: { kubeadminPassword } } }
      : { done: true };
  }
}
