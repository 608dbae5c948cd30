/**
 * Evaluates a template as Resource Manager does before it makes anything: parameters with their defaults and limits, variables,
 * expressions. It knows the functions that the template uses and refuses every other; what only a made resource could tell
 * (`reference`) is asked of the caller.
 */
import { createHash } from "node:crypto";

/** A template as its file holds it. */
export interface Template {
  readonly parameters: Readonly<Record<string, TemplateParameter>>;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly resources: readonly TemplateResource[];
  readonly outputs: Readonly<Record<string, { readonly type: string; readonly value: unknown }>>;
}

export interface TemplateParameter {
  readonly type: string;
  readonly defaultValue?: unknown;
  readonly allowedValues?: readonly unknown[];
  readonly minValue?: number;
  readonly maxValue?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
}

export interface TemplateResource extends Readonly<Record<string, unknown>> {
  readonly type: string;
  readonly apiVersion: string;
  readonly name: string;
  readonly dependsOn?: readonly string[];
  /** The id of the resource to which this one is added. */
  readonly scope?: string;
}

/** What a template comes to. */
export interface Evaluated {
  readonly resources: readonly EvaluatedResource[];
  readonly outputs: Readonly<Record<string, unknown>>;
}

export interface EvaluatedResource extends TemplateResource {
  /** Its id in Azure. */
  readonly id: string;
  /** The ids of which it asks by `reference`. */
  readonly referenced: readonly string[];
}

export interface EvaluateOptions {
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** What a resource shows once it is made. */
  readonly reference: (id: string) => unknown;
}

const subscriptionId = "/subscriptions/00000000-0000-4000-8000-000000000001";
const groupId = `${subscriptionId}/resourceGroups/rp`;
const groupLocation = "eastus";

/** @throws {Error} for an unknown name or function, a value that a parameter refuses, or text that is no expression. */
export function evaluateTemplate(template: Template, options: EvaluateOptions): Evaluated {
  for (const name of Object.keys(options.parameters ?? {})) {
    if (!Object.hasOwn(template.parameters, name)) throw new Error(`no parameter ${name}`);
  }
  const scope = new Scope(template, options);
  for (const name of Object.keys(template.parameters)) scope.parameter(name);
  for (const name of Object.keys(template.variables)) scope.variable(name);
  const resources = template.resources.map((resource) => {
    scope.referenced.clear();
    const evaluated = scope.value(resource) as TemplateResource;
    const owner = evaluated.scope ?? groupId;
    return {
      ...evaluated,
      id: owner + providerPath(evaluated.type, evaluated.name.split("/")),
      referenced: [...scope.referenced],
    };
  });
  const outputs = Object.entries(template.outputs).map(([name, { value }]) => [
    name,
    scope.value(value),
  ]);
  return { resources, outputs: Object.fromEntries(outputs) as Readonly<Record<string, unknown>> };
}

/** `/providers/A/b/NAME/c/NAME`. */
function providerPath(type: string, names: readonly string[]): string {
  const [provider, ...types] = type.split("/");
  if (types.length !== names.length) {
    throw new Error(`${type} has ${types.length} names, not ${names.length}`);
  }
  return `/providers/${provider}${types.map((each, at) => `/${each}/${names[at]}`).join("")}`;
}

class Scope {
  readonly referenced = new Set<string>();
  readonly #template: Template;
  readonly #options: EvaluateOptions;

  constructor(template: Template, options: EvaluateOptions) {
    this.#template = template;
    this.#options = options;
  }

  parameter(name: string): unknown {
    const parameter = own(this.#template.parameters, name, "parameter");
    const given = this.#options.parameters?.[name];
    if (given === undefined && parameter.defaultValue === undefined) {
      throw new Error(`the parameter ${name} must be given`);
    }
    const value = given ?? this.value(parameter.defaultValue);
    if (!isAllowed(parameter, value)) {
      throw new Error(`the parameter ${name} can't be ${JSON.stringify(value)}`);
    }
    return value;
  }

  variable(name: string): unknown {
    return this.value(own(this.#template.variables, name, "variable"));
  }

  /** With every expression in it evaluated, at any depth. */
  value(value: unknown): unknown {
    if (typeof value === "string") return this.#text(value);
    if (Array.isArray(value)) return value.map((each) => this.value(each));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, this.value(each)]),
    );
  }

  #text(text: string): unknown {
    if (!text.startsWith("[") || text.startsWith("[[")) return text.replace(/^\[\[/, "[");
    if (!text.endsWith("]")) throw new Error(`${text} is no expression`);
    const reader = new Reader(text.slice(1, -1));
    const value = this.#expression(reader);
    reader.end();
    return value;
  }

  #expression(reader: Reader): unknown {
    const token = reader.next();
    let value: unknown;
    if (token.startsWith("'")) value = token.slice(1, -1).replaceAll("''", "'");
    else if (/^-?[0-9]/.test(token)) value = Number(token);
    else value = this.#call(token, this.#arguments(reader));
    while (reader.peek() === ".") {
      reader.next();
      const member = reader.next();
      value = own(value as Readonly<Record<string, unknown>>, member, "member");
    }
    return value;
  }

  #arguments(reader: Reader): readonly unknown[] {
    reader.expect("(");
    const values: unknown[] = [];
    if (reader.peek() !== ")") {
      values.push(this.#expression(reader));
      while (reader.peek() === ",") {
        reader.next();
        values.push(this.#expression(reader));
      }
    }
    reader.expect(")");
    return values;
  }

  #call(name: string, values: readonly unknown[]): unknown {
    const texts = values.map(String);
    const [first = "", ...rest] = texts;
    switch (name) {
      case "parameters":
        return this.parameter(first);
      case "variables":
        return this.variable(first);
      case "format":
        return first.replaceAll(/\{([0-9]+)\}/g, (_, at: string) => {
          const text = rest[Number(at)];
          if (text === undefined) throw new Error(`format has no value for {${at}}`);
          return text;
        });
      case "not":
        if (typeof values[0] !== "boolean") throw new Error("not takes a boolean");
        return !values[0];
      case "resourceGroup":
        return { id: groupId, location: groupLocation };
      case "subscription":
        return { tenantId: "00000000-0000-4000-8000-00000000000e" };
      case "resourceId":
        return groupId + providerPath(first, rest);
      case "subscriptionResourceId":
        return subscriptionId + providerPath(first, rest);
      case "guid":
        return asGuid(createHash("sha256").update(texts.join("\n")).digest("hex"));
      case "uniqueString":
        // 13 letters and digits, other than the real ones
        return createHash("sha256").update(texts.join("\n")).digest("hex").slice(0, 13);
      case "reference":
        this.referenced.add(first);
        return this.#options.reference(first);
      default:
        throw new Error(`the function ${name} is not known`);
    }
  }
}

function own<T>(object: Readonly<Record<string, T>>, name: string, kind: string): T {
  if (typeof object !== "object" || object === null || !Object.hasOwn(object, name)) {
    throw new Error(`no ${kind} ${name}`);
  }
  return object[name] as T;
}

function isAllowed(parameter: TemplateParameter, value: unknown): boolean {
  const { type, allowedValues, minValue, maxValue, minLength, maxLength } = parameter;
  if (allowedValues !== undefined && !allowedValues.includes(value)) return false;
  switch (type) {
    case "bool":
      return typeof value === "boolean";
    case "int":
      return (
        Number.isInteger(value) &&
        Number(value) >= (minValue ?? -Infinity) &&
        Number(value) <= (maxValue ?? Infinity)
      );
    case "string":
      return (
        typeof value === "string" &&
        value.length >= (minLength ?? 0) &&
        value.length <= (maxLength ?? Infinity)
      );
    default:
      throw new Error(`the type ${type} of a parameter is not known`);
  }
}

function asGuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
}

/** The tokens of an expression. */
class Reader {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    const form = /\s*('(?:[^']|'')*'|-?[0-9]+|[A-Za-z_]\w*|[().,])/y;
    const tokens: string[] = [];
    let at = 0;
    while (text.slice(at).trim() !== "") {
      form.lastIndex = at;
      const found = form.exec(text);
      if (found === null) throw new Error(`${text} is no expression: ${text.slice(at)}`);
      tokens.push(found[1] ?? "");
      at = form.lastIndex;
    }
    this.#tokens = tokens;
  }

  peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  next(): string {
    const token = this.peek();
    if (token === undefined) throw new Error("an expression ends too early");
    this.#at += 1;
    return token;
  }

  expect(token: string): void {
    const found = this.next();
    if (found !== token) throw new Error(`an expression has ${found} in place of ${token}`);
  }

  end(): void {
    const token = this.peek();
    if (token !== undefined) throw new Error(`an expression goes on with ${token}`);
  }
}
