/**
 * The functions of deployment templates, and the evaluation of expressions with them. It must reach resources only through the
 * scope that it is given.
 */
import { createHash } from "node:crypto";
import { readText, type Expression } from "./templateExpressions.ts";

/** A template that Azure Resource Manager refuses, or a value of it that can't be had. */
export class TemplateError extends Error {}

/** What an expression can reach. */
export interface TemplateScope {
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly resourceGroup: { readonly id: string; readonly name: string; readonly location: string };
  readonly deploymentName: string;
  parameter(name: string): unknown;
  variable(name: string): unknown;
  /** The index of a loop, the innermost unless named. */
  loopIndex(name: string | undefined): number;
  /** A resource's properties, or all of it. */
  reference(id: string, options: { readonly apiVersion?: string; readonly full: boolean }): unknown;
  /** What `listKeys` answers. */
  listKeys(id: string): unknown;
}

/** Evaluates every expression within a value of a template. */
export function evaluate(value: unknown, scope: TemplateScope): unknown {
  if (typeof value === "string") {
    const text = readText(value);
    return typeof text === "string" ? text : evaluateExpression(text, scope);
  }
  if (Array.isArray(value)) return value.map((item) => evaluate(item, scope));
  if (typeof value !== "object" || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    if (name === "copy" && Array.isArray(member)) {
      for (const loop of member as PropertyLoop[]) {
        result[loop.name] = evaluateLoop(loop, scope);
      }
    } else result[String(evaluate(name, scope))] = evaluate(member, scope);
  }
  return result;
}

interface PropertyLoop {
  readonly name: string;
  readonly count: unknown;
  readonly input: unknown;
}

function evaluateLoop(loop: PropertyLoop, scope: TemplateScope): unknown[] {
  const count = Number(evaluate(loop.count, scope));
  return Array.from({ length: count }, (_, index) =>
    evaluate(loop.input, withLoop(scope, { name: loop.name, index })),
  );
}

/** The scope within one turn of a loop. */
export function withLoop(
  scope: TemplateScope,
  loop: { readonly name: string; readonly index: number },
): TemplateScope {
  return {
    ...scope,
    parameter: (name) => scope.parameter(name),
    variable: (name) => scope.variable(name),
    reference: (id, options) => scope.reference(id, options),
    listKeys: (id) => scope.listKeys(id),
    loopIndex: (name) =>
      name === undefined || name.toLowerCase() === loop.name.toLowerCase()
        ? loop.index
        : scope.loopIndex(name),
  };
}

export function evaluateExpression(expression: Expression, scope: TemplateScope): unknown {
  switch (expression.kind) {
    case "string":
    case "number":
      return expression.value;
    case "member":
      return property(evaluateExpression(expression.of, scope), expression.name);
    case "index":
      return property(
        evaluateExpression(expression.of, scope),
        evaluateExpression(expression.at, scope),
      );
    case "call":
      return call(expression.name, expression.args, scope);
  }
}

function property(of: unknown, key: unknown): unknown {
  if (Array.isArray(of)) {
    const index = Number(key);
    if (index in of) return of[index];
    throw new TemplateError(
      `The language expression property array index '${index}' is out of bounds.`,
    );
  }
  if (typeof of === "object" && of !== null) {
    const wanted = String(key).toLowerCase();
    const found = Object.entries(of).find(([name]) => name.toLowerCase() === wanted);
    if (found !== undefined) return found[1];
    throw new TemplateError(
      `The language expression property '${String(key)}' doesn't exist, available properties are ` +
        `'${Object.keys(of).join(", ")}'.`,
    );
  }
  throw new TemplateError(
    `The language expression property '${String(key)}' can't be evaluated: its object is a ${typeof of}.`,
  );
}

function call(name: string, args: readonly Expression[], scope: TemplateScope): unknown {
  const value = (index: number): unknown => {
    const arg = args[index];
    if (arg === undefined) {
      throw new TemplateError(
        `Unable to evaluate template language function '${name}': it needs more than ${args.length} argument(s).`,
      );
    }
    return evaluateExpression(arg, scope);
  };
  // those that don't evaluate what they don't need
  switch (name.toLowerCase()) {
    case "if":
      return truth(name, value(0)) ? value(1) : value(2);
    case "and":
      return args.every((_, index) => truth(name, value(index)));
    case "or":
      return args.some((_, index) => truth(name, value(index)));
    default:
  }
  const implementation = functions[name.toLowerCase()];
  if (implementation === undefined) {
    throw new TemplateError(`The template function '${name}' is not valid.`);
  }
  const values = args.map((_, index) => value(index));
  return implementation(values, scope, name);
}

type TemplateFunction = (args: readonly unknown[], scope: TemplateScope, name: string) => unknown;

const functions: Readonly<Record<string, TemplateFunction>> = {
  parameters: ([name], scope) => scope.parameter(text(name)),
  variables: ([name], scope) => scope.variable(text(name)),
  copyindex: (args, scope) => {
    const [first, second] = args;
    const named = typeof first === "string" ? first : undefined;
    const offset = named === undefined ? first : second;
    return scope.loopIndex(named) + Number(offset ?? 0);
  },

  resourcegroup: (_, scope) => ({
    ...scope.resourceGroup,
    type: "Microsoft.Resources/resourceGroups",
    properties: { provisioningState: "Succeeded" },
  }),
  subscription: (_, scope) => ({
    id: `/subscriptions/${scope.subscriptionId}`,
    subscriptionId: scope.subscriptionId,
    tenantId: scope.tenantId,
    displayName: "Stand-in",
  }),
  tenant: (_, scope) => ({ tenantId: scope.tenantId }),
  deployment: (_, scope) => ({ name: scope.deploymentName }),
  resourceid: (args, scope, name) => {
    const { before, type, names } = splitId(args, name);
    const group = before.at(-1) ?? scope.resourceGroup.name;
    const subscription = before.length > 1 ? before[0] : scope.subscriptionId;
    return `/subscriptions/${subscription}/resourceGroups/${group}${typedPath(type, names)}`;
  },
  subscriptionresourceid: (args, scope, name) => {
    const { before, type, names } = splitId(args, name);
    return `/subscriptions/${before[0] ?? scope.subscriptionId}${typedPath(type, names)}`;
  },
  tenantresourceid: (args, _, name) => {
    const { type, names } = splitId(args, name);
    return typedPath(type, names);
  },
  extensionresourceid: ([of, ...args], _, name) => {
    const { type, names } = splitId(args, name);
    return `${text(of)}${typedPath(type, names)}`;
  },
  reference: ([id, apiVersion, full], scope) =>
    scope.reference(text(id), {
      ...(apiVersion === undefined ? {} : { apiVersion: text(apiVersion) }),
      full: full !== undefined && text(full).toLowerCase() === "full",
    }),
  listkeys: ([id], scope) => scope.listKeys(text(id)),

  concat: (args) => {
    if (args.some((arg) => Array.isArray(arg))) return args.flat();
    return args.map((arg) => text(arg)).join("");
  },
  format: ([pattern, ...args]) =>
    text(pattern).replaceAll(/\{\{|\}\}|\{(\d+)(?::D(\d+))?\}|[{}]/g, (found, index, digits) => {
      if (found === "{{") return "{";
      if (found === "}}") return "}";
      if (index === undefined || !(Number(index) in args)) {
        throw new TemplateError(
          "Unable to evaluate the template language function 'format'. The format is invalid, or not one of the stand-in's: " +
            `'${text(pattern)}' with ${args.length} argument(s).`,
        );
      }
      const shown = text(args[Number(index)]);
      return digits === undefined ? shown : shown.padStart(Number(digits), "0");
    }),
  tolower: ([one]) => text(one).toLowerCase(),
  toupper: ([one]) => text(one).toUpperCase(),
  trim: ([one]) => text(one).trim(),
  string: ([one]) => (typeof one === "string" ? one : JSON.stringify(one)),
  base64: ([one]) => Buffer.from(text(one)).toString("base64"),
  base64tostring: ([one]) => Buffer.from(text(one), "base64").toString(),
  base64tojson: ([one]) => JSON.parse(Buffer.from(text(one), "base64").toString()) as unknown,
  json: ([one]) => JSON.parse(text(one)) as unknown,
  replace: ([one, old, by]) => text(one).replaceAll(text(old), text(by)),
  split: ([one, by]) => text(one).split(text(by)),
  join: ([many, by]) => list(many).map(String).join(text(by)),
  substring: ([one, start, length]) => {
    const whole = text(one);
    const from = Number(start);
    const to = length === undefined ? whole.length : from + Number(length);
    if (from < 0 || to > whole.length) {
      throw new TemplateError(
        "Unable to evaluate the template language function 'substring'. The index and length must refer to a location within " +
          "the string.",
      );
    }
    return whole.slice(from, to);
  },
  padleft: ([one, width, by]) =>
    text(one).padStart(Number(width), by === undefined ? " " : text(by)),
  startswith: ([one, start]) => text(one).toLowerCase().startsWith(text(start).toLowerCase()),
  endswith: ([one, end]) => text(one).toLowerCase().endsWith(text(end).toLowerCase()),
  indexof: ([one, part]) => text(one).toLowerCase().indexOf(text(part).toLowerCase()),
  uri: ([base, relative]) => new URL(text(relative), text(base)).href,
  uricomponent: ([one]) => encodeURIComponent(text(one)),
  guid: (args) => nameBasedGuid(args.map((arg) => text(arg)).join("-")),
  uniquestring: (args) => {
    const digest = createHash("sha256")
      .update(args.map((arg) => text(arg)).join("-"))
      .digest();
    const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
    return [...digest.subarray(0, 13)].map((byte) => alphabet[byte % 32]).join("");
  },

  equals: ([one, other]) => JSON.stringify(one) === JSON.stringify(other),
  not: ([one], _, name) => !truth(name, one),
  less: ([one, other]) => compare(one, other) < 0,
  lessorequals: ([one, other]) => compare(one, other) <= 0,
  greater: ([one, other]) => compare(one, other) > 0,
  greaterorequals: ([one, other]) => compare(one, other) >= 0,
  true: () => true,
  false: () => false,
  bool: ([one]) => (typeof one === "string" ? one.toLowerCase() === "true" : Boolean(one)),
  null: () => null,
  coalesce: (args) => args.find((arg) => arg !== null) ?? null,

  add: ([one, other]) => whole(one) + whole(other),
  sub: ([one, other]) => whole(one) - whole(other),
  mul: ([one, other]) => whole(one) * whole(other),
  div: ([one, other]) => Math.trunc(whole(one) / whole(other)),
  mod: ([one, other]) => whole(one) % whole(other),
  int: ([one]) => whole(typeof one === "string" ? Number(one) : one),
  min: (args) => Math.min(...args.flat().map((arg) => whole(arg))),
  max: (args) => Math.max(...args.flat().map((arg) => whole(arg))),
  range: ([start, count]) => Array.from({ length: whole(count) }, (_, n) => whole(start) + n),

  createarray: (args) => [...args],
  array: ([one]) => (Array.isArray(one) ? one : [one]),
  createobject: (args) => {
    const pairs = args.flatMap((key, index) =>
      index % 2 === 0 ? [[text(key), args[index + 1]] as const] : [],
    );
    return Object.fromEntries(pairs);
  },
  length: ([one]) => {
    if (typeof one === "string" || Array.isArray(one)) return one.length;
    return Object.keys((one ?? {}) as object).length;
  },
  empty: ([one]) => {
    if (one === null || one === "") return true;
    return typeof one === "object" && Object.keys(one as object).length === 0;
  },
  contains: ([where, what]) => {
    if (typeof where === "string") return where.includes(text(what));
    if (Array.isArray(where))
      return where.some((one) => JSON.stringify(one) === JSON.stringify(what));
    const wanted = text(what).toLowerCase();
    return Object.keys((where ?? {}) as object).some((name) => name.toLowerCase() === wanted);
  },
  first: ([many]) => (typeof many === "string" ? many.slice(0, 1) : (list(many)[0] ?? null)),
  last: ([many]) => (typeof many === "string" ? many.slice(-1) : (list(many).at(-1) ?? null)),
  take: ([many, count]) =>
    typeof many === "string" ? many.slice(0, whole(count)) : list(many).slice(0, whole(count)),
  skip: ([many, count]) =>
    typeof many === "string" ? many.slice(whole(count)) : list(many).slice(whole(count)),
  union: (args) => {
    if (!args.every((arg) => Array.isArray(arg))) return Object.assign({}, ...args) as unknown;
    const seen = new Map(args.flat().map((one) => [JSON.stringify(one), one]));
    return [...seen.values()];
  },
};

function text(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  // as .NET writes them, which is what templates see
  if (typeof value === "boolean") return value ? "True" : "False";
  throw new TemplateError(
    `A template language function was given ${value === null ? "null" : `a value of type ${typeof value}`} where it needs a string.`,
  );
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TemplateError(
    `A template language function was given a value of type ${typeof value} where it needs an array.`,
  );
}

function whole(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw new TemplateError(
    `A template language function was given '${String(value)}' where it needs an integer.`,
  );
}

function truth(name: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new TemplateError(
    `The template language function '${name}' expects its parameter to be of type 'Boolean'.`,
  );
}

function compare(one: unknown, other: unknown): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  const first = text(one);
  const second = text(other);
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

function splitId(
  args: readonly unknown[],
  name: string,
): {
  readonly before: readonly string[];
  readonly type: string;
  readonly names: readonly string[];
} {
  const texts = args.map((arg) => text(arg));
  const at = texts.findIndex((one) => /^[^/]+\.[^/]+\//.test(one));
  const type = texts[at];
  if (type === undefined) {
    throw new TemplateError(
      `Unable to evaluate template language function '${name}': function requires fully qualified resource type as one of ` +
        "first arguments.",
    );
  }
  const names = texts.slice(at + 1);
  const needed = type.split("/").length - 1;
  if (names.length !== needed) {
    throw new TemplateError(
      `Unable to evaluate template language function '${name}': the type '${type}' requires '${needed}' resource name ` +
        "argument(s).",
    );
  }
  return { before: texts.slice(0, at), type, names };
}

function typedPath(type: string, names: readonly string[]): string {
  const [namespace, ...types] = type.split("/");
  return `/providers/${namespace}${types.map((one, index) => `/${one}/${names[index]}`).join("")}`;
}

/** Version 5 of RFC 9562, in the name space of the template function. */
function nameBasedGuid(name: string): string {
  const space = Buffer.from("11fb06fb712d4ddd98c7e71bbd588830", "hex");
  const bytes = createHash("sha1").update(space).update(name).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
