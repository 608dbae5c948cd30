/**
 * An installer whose steps do what a test tells them, and that notes every begin: what a cloud would have seen. It makes
 * nothing; its notes are the same for all processes of a simulation.
 */
import type {
  Installer,
  Phase,
  Step,
  StepContext,
  StepResult,
} from "../../src/installers/installer.ts";
import type { OperationKind } from "../../src/model/provisioningState.ts";

/** One begin of a step. */
export interface Begin {
  readonly process: string;
  readonly step: string;
  readonly resourceId: string;
  readonly operationId: string;
  readonly incarnationId: string;
  readonly at: number;
}

/** What a step does; `run` counts its begins for this operation, from 1. */
export type Script = (context: StepContext, run: number) => Promise<StepResult>;

/** Whose steps they are. */
export interface StepHost {
  readonly name: string;
  /** A dead process does nothing more. */
  readonly isDead: () => boolean;
}

export const done: StepResult = { done: true };

const phaseNames: Readonly<Record<OperationKind, Readonly<Record<string, readonly string[]>>>> = {
  create: { prepare: ["network"], install: ["machines", "bootstrap"], finish: ["console"] },
  update: { adjust: ["resize"], check: ["verify"] },
  delete: { takeDown: ["drain", "destroy"] },
};

export class ScriptedInstaller {
  readonly begins: Begin[] = [];
  deadlineMs = 600_000;
  readonly #scripts = new Map<string, Script>();
  #phases = phaseNames;

  /** What the step of this name does from now on. */
  script(step: string, script: Script): void {
    this.#scripts.set(step, script);
  }

  /** Other steps for one kind of operation, as another release may have. */
  phases(kind: OperationKind, phases: Readonly<Record<string, readonly string[]>>): void {
    this.#phases = { ...this.#phases, [kind]: phases };
  }

  /** The names of the steps in order. */
  names(kind: OperationKind): readonly string[] {
    return Object.values(this.#phases[kind]).flat();
  }

  /** The steps that were begun for an operation, in order. */
  begun(operationId: string): readonly string[] {
    return this.begins.filter((begin) => begin.operationId === operationId).map(({ step }) => step);
  }

  /** The installer as one process has it. */
  in(host: StepHost): Installer {
    const phasesOf = (kind: OperationKind): readonly Phase[] =>
      Object.entries(this.#phases[kind]).map(([name, steps]) => ({
        name,
        steps: steps.map((step) => this.#step(step, host)),
      }));
    return {
      name: "scripted",
      phases: {
        create: phasesOf("create"),
        update: phasesOf("update"),
        delete: phasesOf("delete"),
      },
    };
  }

  #step(name: string, host: StepHost): Step {
    const { deadlineMs } = this;
    return {
      name,
      deadlineMs,
      run: async (context) => {
        const { resourceId, operationId, incarnationId } = context.snapshot;
        const at = context.now;
        this.begins.push({
          process: host.name,
          step: name,
          resourceId,
          operationId,
          incarnationId,
          at,
        });
        const run = this.begun(operationId).filter((step) => step === name).length;
        const script = this.#scripts.get(name);
        const result = await (script === undefined ? noteRun(name, run) : script(context, run));
        return host.isDead() ? new Promise<never>(() => {}) : result;
      },
    };
  }
}

async function noteRun(name: string, run: number): Promise<StepResult> {
  return { done: true, changes: { installation: { [name]: run } } };
}
