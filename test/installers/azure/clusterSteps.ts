/** What tests of steps that ask a cluster share: the step's effects, and a run of it over a document in memory. */
import type { AzureEffects } from "../../../src/installers/azure/azureEffects.ts";
import type { Installer, Step, StepResult } from "../../../src/installers/installer.ts";
import type { ClusterDocument } from "../../../src/model/document.ts";
import { StepsRun } from "../../backend/stepsSuite.ts";
import type { TestClock } from "../../runtime/testClock.ts";

/** How long a step asks to be left alone. */
export const pollMs = 30_000;

/** One step of an operation, begun as often as a test likes; its changes are stored as by the backend. */
export class StepRun {
  readonly clock: TestClock;
  readonly step: Step;
  readonly #run: StepsRun;
  readonly #startedAt: number;

  constructor(options: {
    readonly document: ClusterDocument;
    readonly step: (effects: AzureEffects) => Step;
    readonly effects?: Partial<AzureEffects>;
  }) {
    const { document, step, effects } = options;
    this.#run = new StepsRun({ document, installer: () => noInstaller });
    this.clock = this.#run.clock;
    // what a step that asks only the cluster needs, and what the test adds
    this.step = step({ clock: this.clock, pollMs, ...effects } as AzureEffects);
    this.#startedAt = this.clock.now();
  }

  get document(): ClusterDocument {
    return this.#run.document;
  }

  become(document: ClusterDocument): void {
    this.#run.become(document);
  }

  /** Begins it once. */
  async begin(
    options: { readonly signal?: AbortSignal; readonly onGuard?: () => void } = {},
  ): Promise<StepResult> {
    const { signal, onGuard } = options;
    const result = await this.#run.begin(this.step, {
      startedAt: this.#startedAt,
      ...(signal === undefined ? {} : { signal }),
      ...(onGuard === undefined ? {} : { hooks: { onGuard } }),
    }).result;
    this.#run.apply(result.changes ?? {});
    return result;
  }
}

const noInstaller: Installer = { name: "none", phases: { create: [], update: [], delete: [] } };
