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

export type FaultRule = ErrorAnswerFault | LossFault | HangFault;

/**
 * Called before a call takes effect, and after it but before it is answered. `drop` breaks the connection there; what it throws
 * does so as well.
 */
export type CallHook = (
  call: AzureCall,
  moment: "before" | "after",
) => void | "drop" | Promise<void | "drop">;

interface ActiveRule {
  readonly rule: FaultRule;
  left: number;
  toSkip: number;
}

/** What a rule has in store for a request. */
export type Fault =
  | { readonly kind: "answer"; readonly error: AzureError }
  | { readonly kind: "lost"; readonly lost: "request" | "answer" }
  | { readonly kind: "hang" };

export class FaultInjection {
  readonly calls: AzureCall[] = [];
  readonly #rules: ActiveRule[] = [];
  readonly #hooks: CallHook[] = [];

  /** Adds a rule; of several that match, the oldest is used up first. */
  fail(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.times ?? 1, toSkip: rule.skip ?? 0 });
  }

  /** Adds a hook, until the returned function is called. */
  onCall(hook: CallHook): () => void {
    this.#hooks.push(hook);
    return () => {
      const at = this.#hooks.indexOf(hook);
      if (at !== -1) this.#hooks.splice(at, 1);
    };
  }

  /** Forgets all rules. */
  clear(): void {
    this.#rules.length = 0;
  }

  begin(request: AzureRequest): AzureCall {
    const call = { method: request.method, path: decodeURIComponent(request.url.pathname) };
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

  /** What befalls this call; uses the rule up. */
  take(call: AzureCall): Fault | undefined {
    const rule = this.#use(call.method, call.path, false);
    if (rule === undefined) return undefined;
    if ("lost" in rule) return { kind: "lost", lost: rule.lost };
    if ("hang" in rule) return { kind: "hang" };
    return { kind: "answer", error: errorOf(rule) };
  }

  /** The error with which a template's resource fails; uses the rule up. */
  takeInDeployment(id: string): AzureError | undefined {
    const rule = this.#use("PUT", id, true);
    return rule !== undefined && "status" in rule ? errorOf(rule) : undefined;
  }

  #use(method: string, path: string, inDeployment: boolean): FaultRule | undefined {
    for (const active of this.#rules) {
      const { rule } = active;
      if (active.left === 0) continue;
      if (("inDeployment" in rule && rule.inDeployment === true) !== inDeployment) continue;
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
