/**
 * What goes wrong on demand, and who watches: rules that refuse, lose or hold requests, and hooks around each call. Without a
 * rule or a hook it must change nothing.
 */
import { AzureError, type AzureRequest } from "./azureService.ts";

/** One request as tests see it. */
export interface AzureCall {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Of the answer; absent until there is one, and when it is lost. */
  status?: number;
}

interface FaultTarget {
  /** In capitals; every one unless given. */
  readonly method?: string;
  /** Matched against the path, or the id of a template's resource; every one unless given. */
  readonly path?: RegExp;
  /** How often; once unless given. */
  readonly times?: number;
  /** How many that match are let through first; none unless given. */
  readonly skip?: number;
}

/** Answered instead of the request's effect. */
interface ErrorAnswerFault extends FaultTarget {
  readonly status: number;
  readonly code: string;
  readonly message?: string;
  readonly retryAfterSeconds?: number;
  /** Fails a resource that a template deployment makes, rather than a request. */
  readonly inDeployment?: boolean;
}

/** The connection breaks: before the effect (`request`), or after it (`answer`). */
interface LossFault extends FaultTarget {
  readonly lost: "request" | "answer";
}

/** The request has no effect and no answer, and its connection stays open. */
interface HangFault extends FaultTarget {
  readonly hang: true;
}

/**
 * The connection stays open and nothing more comes through it: nobody reads the rest of the `request`, which has no effect; or the
 * `answer`, whose request has one, stops in the middle of its body.
 */
interface StallFault extends FaultTarget {
  readonly stall: "request" | "answer";
}

export type FaultRule = ErrorAnswerFault | LossFault | HangFault | StallFault;

/**
 * Called before a call takes effect, and after it but before it is answered. `drop` breaks the connection there; what it throws
 * does so as well.
 */
export type CallHook = (
  call: AzureCall,
  moment: "before" | "after",
) => void | "drop" | Promise<void | "drop">;

/** Something that Azure goes on with after it has answered. */
export interface BackgroundWork {
  /**
   * - `deploy`: a deployment is about to make a resource of its template;
   * - `provision`: a deployment's resource is there, and being made ready;
   * - `deleteGroup`: what is in a group is about to be deleted.
   */
  readonly kind: "deploy" | "provision" | "deleteGroup";
  /** Of the resource or the group. */
  readonly id: string;
}

/** Called before each piece of work, which waits for it. */
export type BackgroundHook = (work: BackgroundWork) => void | Promise<void>;

interface ActiveRule {
  readonly rule: FaultRule;
  left: number;
  toSkip: number;
}

/** What a rule has in store for a request. */
export type Fault =
  | { readonly kind: "answer"; readonly error: AzureError }
  | { readonly kind: "lost"; readonly lost: "request" | "answer" }
  | { readonly kind: "hang" }
  | { readonly kind: "stall" };

/** Where a request, or a resource of a template, meets the rules for it. */
type Stage = "arrival" | "request" | "deployment";

function stageOf(rule: FaultRule): Stage {
  if ("stall" in rule && rule.stall === "request") return "arrival";
  return "inDeployment" in rule && rule.inDeployment === true ? "deployment" : "request";
}

export class FaultInjection {
  readonly calls: AzureCall[] = [];
  readonly #rules: ActiveRule[] = [];
  readonly #hooks: CallHook[] = [];
  readonly #backgroundHooks: BackgroundHook[] = [];

  /** Adds a rule; of several that match, the oldest is used up first. */
  fail(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.times ?? 1, toSkip: rule.skip ?? 0 });
  }

  /** Adds a hook, until the returned function is called. */
  onCall(hook: CallHook): () => void {
    return added(this.#hooks, hook);
  }

  /** Adds a hook for what goes on in the background, until the returned function is called. */
  onBackground(hook: BackgroundHook): () => void {
    return added(this.#backgroundHooks, hook);
  }

  /** Waits for whoever holds this work back. */
  async background(work: BackgroundWork): Promise<void> {
    for (const hook of this.#backgroundHooks.slice()) await hook(work);
  }

  /** Forgets all rules. */
  clear(): void {
    this.#rules.length = 0;
  }

  begin(request: Pick<AzureRequest, "method" | "url">): AzureCall {
    const call = callOf(request);
    this.calls.push(call);
    return call;
  }

  /** @returns whether the connection is to break. */
  async tell(call: AzureCall, moment: "before" | "after"): Promise<boolean> {
    for (const hook of this.#hooks.slice()) {
      try {
        if ((await hook(call, moment)) === "drop") return true;
      } catch {
        return true;
      }
    }
    return false;
  }

  /** Whether the rest of a request that has begun to come is left unread; uses the rule up. */
  takeArrival(request: Pick<AzureRequest, "method" | "url">): boolean {
    const { method, path } = callOf(request);
    return this.#use(method, path, "arrival") !== undefined;
  }

  /** What befalls this call; uses the rule up. */
  take(call: AzureCall): Fault | undefined {
    const rule = this.#use(call.method, call.path, "request");
    if (rule === undefined) return undefined;
    if ("lost" in rule) return { kind: "lost", lost: rule.lost };
    if ("hang" in rule) return { kind: "hang" };
    if ("stall" in rule) return { kind: "stall" };
    return { kind: "answer", error: errorOf(rule) };
  }

  /** The error with which a template's resource fails; uses the rule up. */
  takeInDeployment(id: string): AzureError | undefined {
    const rule = this.#use("PUT", id, "deployment");
    return rule !== undefined && "status" in rule ? errorOf(rule) : undefined;
  }

  #use(method: string, path: string, stage: Stage): FaultRule | undefined {
    for (const active of this.#rules) {
      const { rule } = active;
      if (active.left === 0) continue;
      if (stageOf(rule) !== stage) continue;
      if (rule.method !== undefined && rule.method !== method) continue;
      if (rule.path !== undefined && path.search(rule.path) === -1) continue;
      if (active.toSkip > 0) {
        active.toSkip -= 1;
        continue;
      }
      active.left -= 1;
      return rule;
    }
    return undefined;
  }
}

function callOf({ method, url }: Pick<AzureRequest, "method" | "url">): AzureCall {
  return { method, path: decodeURIComponent(url.pathname) };
}

function added<Hook>(hooks: Hook[], hook: Hook): () => void {
  hooks.push(hook);
  return () => {
    const at = hooks.indexOf(hook);
    if (at !== -1) hooks.splice(at, 1);
  };
}

function errorOf(rule: ErrorAnswerFault): AzureError {
  const { status, code, retryAfterSeconds } = rule;
  return new AzureError(status, code, rule.message ?? `The stand-in was told to answer ${code}.`, {
    headers: {
      // where clients of storage look for it
      "x-ms-error-code": code,
      ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
    },
  });
}
