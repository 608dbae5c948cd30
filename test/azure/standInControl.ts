/**
 * What the stand-in answers as itself, below `/stand-in`: everything that would exist, and faults on demand, for people who have
 * it in a process of its own. It must show no secret that Azure would not show.
 */
import { z } from "zod";
import {
  AzureError,
  type AzureAnswer,
  type AzureRequest,
  type AzureService,
} from "./azureService.ts";
import type { AzureState } from "./azureState.ts";
import type { FaultInjection } from "./faults.ts";

const target = {
  method: z.string().toUpperCase().optional(),
  path: z
    .string()
    .transform((text, context) => {
      try {
        return new RegExp(text, "i");
      } catch {
        context.addIssue("is not a regular expression");
        return z.NEVER;
      }
    })
    .optional(),
  times: z.int().positive().optional(),
  skip: z.int().nonnegative().optional(),
};
const faultForms = {
  status: z.strictObject({
    ...target,
    status: z.int().min(400).max(599),
    code: z.string({ error: 'is needed beside `status`, such as "QuotaExceeded"' }),
    message: z.string().optional(),
    retryAfterSeconds: z.int().nonnegative().optional(),
    inDeployment: z.boolean().optional(),
  }),
  lost: z.strictObject({ ...target, lost: z.enum(["request", "answer"]) }),
  hang: z.strictObject({ ...target, hang: z.literal(true) }),
};

const kinds = ["status", "lost", "hang"] as const;
const kindRule =
  "A fault has one of `status` (400 to 599, with a `code`), `lost` (request or answer) and `hang` (true)";
/** What every refusal ends with. */
const limits =
  "Any may have `method`, `path` (a regular expression), `times` (1 or more) and `skip` (0 or more); " +
  "`status` also `message`, `retryAfterSeconds` (0 or more) and `inDeployment` (true or false).";

export class StandInControl implements AzureService {
  readonly #state: AzureState;
  readonly #faults: FaultInjection;

  constructor(state: AzureState, faults: FaultInjection) {
    this.#state = state;
    this.#faults = faults;
  }

  async handle({ method, url, body }: AzureRequest): Promise<AzureAnswer | undefined> {
    switch (`${method} ${url.pathname}`) {
      case "GET /stand-in/resources":
        return this.#resources(url.searchParams.get("format") ?? "json");
      case "GET /stand-in/calls":
        return { status: 200, body: this.#faults.calls };
      case "POST /stand-in/faults":
        this.#faults.fail(readFault(body));
        return { status: 201, body: { accepted: JSON.parse(body.toString()) as unknown } };
      case "DELETE /stand-in/faults":
        this.#faults.clear();
        return { status: 204 };
      default:
        return undefined;
    }
  }

  /** @throws {AzureError} 400 for another format than `json` and `text`. */
  #resources(format: string): AzureAnswer {
    const resources = this.#state.list();
    switch (format) {
      case "json":
        return {
          status: 200,
          body: resources.map((resource) => {
            const { hidden: _, ...shown } = resource;
            return shown;
          }),
        };
      case "text":
        return {
          status: 200,
          headers: { "content-type": "text/plain; charset=utf-8" },
          body: resources.map(({ type, name }) => `${type} ${name}\n`).join(""),
        };
      default:
        throw new AzureError(400, "InvalidFormat", "`format` is json or text.");
    }
  }
}

function readFault(body: Buffer) {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString());
  } catch {
    throw new AzureError(400, "InvalidFault", "A fault is a JSON object.");
  }
  if (typeof parsed !== "object" || parsed === null) {
    throw new AzureError(400, "InvalidFault", "A fault is a JSON object.");
  }
  // by the member that tells them apart, so that a refusal is about the one that was meant
  const [kind, ...others] = kinds.filter((member) => member in parsed);
  if (kind === undefined) {
    const members = Object.values(faultForms).flatMap(({ shape }) => Object.keys(shape));
    const unknown = Object.keys(parsed).filter((member) => !members.includes(member));
    const and = unknown.length === 0 ? "" : `, and no ${unknown.join(", ")}`;
    throw refused(`${kindRule}${and}.`);
  }
  if (others.length > 0) {
    const given = [kind, ...others].map((member) => `\`${member}\``).join(" and ");
    throw refused(`${kindRule}, not ${given} together.`);
  }
  const read = faultForms[kind].safeParse(parsed);
  if (!read.success) {
    const faults = read.error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `${path.join(".")}: ${message}`,
    );
    throw refused(`${faults.join("; ")}.`);
  }
  return withoutAbsent(read.data);
}

function refused(why: string): AzureError {
  return new AzureError(400, "InvalidFault", `${why} ${limits}`);
}

/** Members that were left out, left out. */
function withoutAbsent<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
