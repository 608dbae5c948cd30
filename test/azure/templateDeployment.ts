/**
 * A template made into the resources that it stands for, with what each of them waits for. It must create nothing: it says what
 * `deployments.ts` is to put, and how to evaluate the rest of it when its turn has come.
 */
import { parseArmId, sameId } from "./armIds.ts";
import { ExpressionError, readText, visitExpression } from "./templateExpressions.ts";
import {
  evaluate,
  evaluateExpression,
  TemplateError,
  withLoop,
  type TemplateScope,
} from "./templateFunctions.ts";

export interface DeploymentTemplate {
  readonly $schema?: string;
  readonly contentVersion?: string;
  readonly parameters?: Readonly<Record<string, TemplateParameter>>;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly resources?: readonly TemplateResource[];
  readonly outputs?: Readonly<
    Record<string, { readonly type: string; readonly value: unknown; readonly condition?: unknown }>
  >;
}

interface TemplateParameter {
  readonly type: string;
  readonly defaultValue?: unknown;
  readonly allowedValues?: readonly unknown[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minValue?: number;
  readonly maxValue?: number;
}

interface TemplateResource {
  readonly type: string;
  readonly apiVersion: string;
  readonly name: string;
  readonly scope?: string;
  readonly condition?: unknown;
  readonly dependsOn?: readonly string[];
  readonly copy?: {
    readonly name: string;
    readonly count: unknown;
    readonly mode?: string;
    readonly batchSize?: number;
  };
  readonly resources?: readonly TemplateResource[];
  readonly [member: string]: unknown;
}

/** What a template is deployed into. */
export interface DeploymentPlace {
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly resourceGroup: { readonly id: string; readonly name: string; readonly location: string };
  readonly deploymentName: string;
  /** A resource's properties, or all of it, once it exists. */
  readonly reference: (id: string, full: boolean) => unknown;
  readonly listKeys: (id: string) => unknown;
}

export interface PlannedResource {
  readonly id: string;
  readonly type: string;
  readonly apiVersion: string;
  /** Ids within the template. */
  readonly dependsOn: readonly string[];
  /** What to put; evaluated when all that it depends on is there. */
  body(): Record<string, unknown>;
}

export interface DeploymentPlan {
  readonly resources: readonly PlannedResource[];
  /** The values of the parameters, without those that are secure. */
  readonly shownParameters: Readonly<Record<string, object>>;
  /** Evaluated at the end. */
  outputs(): Record<string, object>;
}

/** Members of a template's resource that are not the resource's. */
const instructions = new Set([
  "type",
  "apiVersion",
  "name",
  "scope",
  "condition",
  "dependsOn",
  "copy",
  "resources",
  "comments",
  "metadata",
]);

/**
 * Plans a deployment.
 *
 * @throws {TemplateError} when Azure Resource Manager would refuse the template as it stands.
 */
export function planDeployment(
  template: DeploymentTemplate,
  given: Readonly<Record<string, { readonly value?: unknown }>>,
  place: DeploymentPlace,
): DeploymentPlan {
  try {
    return plan(template, given, place);
  } catch (error) {
    if (error instanceof ExpressionError) throw new TemplateError(error.message);
    throw error;
  }
}

function plan(
  template: DeploymentTemplate,
  given: Readonly<Record<string, { readonly value?: unknown }>>,
  place: DeploymentPlace,
): DeploymentPlan {
  if (
    !/^https?:\/\/schema\.management\.azure\.com\/schemas\/.+\/deploymentTemplate\.json#?$/.test(
      template.$schema ?? "",
    )
  ) {
    throw new TemplateError(`The template schema '${template.$schema}' is not supported.`);
  }
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(template.contentVersion ?? "")) {
    throw new TemplateError("Required property 'contentVersion' not found in JSON.");
  }
  const parameters = new Map<string, unknown>();
  const scope = scopeOf(template, parameters, place);
  readParameters(template, given, { into: parameters, scope });

  const planned: (PlannedResource & {
    readonly source: TemplateResource;
    readonly loop: string | undefined;
  })[] = [];
  const skipped = new Set<string>();
  for (const source of flatten(template.resources ?? [])) {
    const turns = turnsOf(source, scope);
    const batch = source.copy?.mode?.toLowerCase() === "serial" ? (source.copy.batchSize ?? 1) : 0;
    for (const turn of turns) {
      const own =
        source.copy === undefined
          ? scope
          : withLoop(scope, { name: source.copy.name, index: turn });
      const id = idOf(source, own);
      if (planned.some((one) => sameId(one.id, id))) {
        throw new TemplateError(`The resource '${id}' is defined multiple times in a template.`);
      }
      if (source.condition !== undefined && evaluate(source.condition, own) !== true) {
        skipped.add(id.toLowerCase());
        continue;
      }
      const earlier = planned.filter((one) => one.source === source);
      const after = batch === 0 ? [] : earlier.slice(0, turn - (turn % batch));
      planned.push({
        id,
        type: source.type,
        apiVersion: source.apiVersion,
        source,
        loop: source.copy?.name,
        dependsOn: [
          ...after.map((one) => one.id),
          ...(source.dependsOn ?? []).map((one) => String(evaluate(one, own))),
          ...referencedBy(source, own),
        ],
        body: () => bodyOf(source, own),
      });
    }
  }
  const resources = planned.map((one) => ({
    ...one,
    dependsOn: one.dependsOn.flatMap((name) => resolveName(name, one, { planned, skipped })),
  }));
  refuseCircles(resources);
  return {
    resources,
    shownParameters: shownParameters(template, parameters),
    outputs: () => outputsOf(template, scope),
  };
}

function scopeOf(
  template: DeploymentTemplate,
  parameters: ReadonlyMap<string, unknown>,
  place: DeploymentPlace,
): TemplateScope {
  const variables = template.variables ?? {};
  const loops = (variables["copy"] ?? []) as { name: string }[];
  const underWay = new Set<string>();
  const scope: TemplateScope = {
    subscriptionId: place.subscriptionId,
    tenantId: place.tenantId,
    resourceGroup: place.resourceGroup,
    deploymentName: place.deploymentName,
    parameter: (name) => {
      const key = name.toLowerCase();
      if (parameters.has(key)) return parameters.get(key);
      throw new TemplateError(
        `The template parameter '${name}' is not found. Please see https://aka.ms/arm-syntax-parameters for usage details.`,
      );
    },
    variable: (name) => {
      const key = name.toLowerCase();
      const own = Object.entries(variables).find(
        ([one]) => one.toLowerCase() === key && one !== "copy",
      );
      const loop = loops.find((one) => one.name.toLowerCase() === key);
      if (own === undefined && loop === undefined) {
        throw new TemplateError(
          `The template variable '${name}' is not found. Please see https://aka.ms/arm-syntax-variables for usage details.`,
        );
      }
      if (underWay.has(key)) {
        throw new TemplateError(`The template variable '${name}' refers to itself.`);
      }
      underWay.add(key);
      try {
        if (own !== undefined) return evaluate(own[1], scope);
        return (evaluate({ copy: [loop] }, scope) as Record<string, unknown>)[loop?.name ?? ""];
      } finally {
        underWay.delete(key);
      }
    },
    loopIndex: (name) => {
      throw new TemplateError(
        name === undefined
          ? "The template function 'copyIndex' is not expected at this location. The function can only be used in a resource " +
              "with copy specified."
          : `The template function 'copyIndex' was given '${name}', which is no loop around it.`,
      );
    },
    reference: (name, { apiVersion, full }) => {
      const inTemplate = idsNamed(template, scope, name);
      if (inTemplate === undefined && apiVersion === undefined) {
        throw new TemplateError(`The resource '${name}' is not defined in the template.`);
      }
      return place.reference(inTemplate ?? name, full);
    },
    listKeys: (id) => place.listKeys(id),
  };
  return scope;
}

/** The id of the template's resource that is named so. */
function idsNamed(
  template: DeploymentTemplate,
  scope: TemplateScope,
  name: string,
): string | undefined {
  for (const source of flatten(template.resources ?? [])) {
    for (const turn of turnsOf(source, scope)) {
      const own =
        source.copy === undefined
          ? scope
          : withLoop(scope, { name: source.copy.name, index: turn });
      const id = idOf(source, own);
      if (
        sameId(id, name) ||
        String(evaluate(source.name, own)).toLowerCase() === name.toLowerCase()
      ) {
        return id;
      }
    }
  }
  return undefined;
}

function readParameters(
  template: DeploymentTemplate,
  given: Readonly<Record<string, { readonly value?: unknown }>>,
  { into, scope }: { readonly into: Map<string, unknown>; readonly scope: TemplateScope },
): void {
  const declared = Object.entries(template.parameters ?? {});
  const known = new Set(declared.map(([name]) => name.toLowerCase()));
  const unknown = Object.keys(given).filter((name) => !known.has(name.toLowerCase()));
  if (unknown.length > 0) {
    throw new TemplateError(
      `The following parameters were supplied, but do not correspond to any parameters defined in the template: ` +
        `'${unknown.join(", ")}'. The parameters defined in the template are: '${declared.map(([name]) => name).join(", ")}'. ` +
        "Please see https://aka.ms/arm-pass-parameter-values for usage details.",
    );
  }
  for (const [name, parameter] of declared) {
    const own = Object.entries(given).find(
      ([one]) => one.toLowerCase() === name.toLowerCase(),
    )?.[1];
    const value = own?.value ?? evaluate(parameter.defaultValue, scope);
    if (value === undefined) {
      throw new TemplateError(
        `The value for the template parameter '${name}' at line '1' and column '1' is not provided. Please see ` +
          "https://aka.ms/arm-create-parameter-file for usage details.",
      );
    }
    checkParameter(name, parameter, value);
    into.set(name.toLowerCase(), value);
  }
}

const parameterTypes: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  securestring: (value) => typeof value === "string",
  int: (value) => Number.isInteger(value),
  bool: (value) => typeof value === "boolean",
  array: (value) => Array.isArray(value),
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  secureobject: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

function checkParameter(name: string, parameter: TemplateParameter, value: unknown): void {
  const isOfType = parameterTypes[parameter.type.toLowerCase()];
  if (isOfType === undefined) {
    throw new TemplateError(
      `The type '${parameter.type}' of template parameter '${name}' is invalid.`,
    );
  }
  if (!isOfType(value)) {
    throw new TemplateError(
      `Template parameter JToken type is not valid for '${name}'. Expected '${parameter.type}'. Please see ` +
        "https://aka.ms/arm-create-parameter-file for usage details.",
    );
  }
  const { allowedValues, minLength, maxLength, minValue, maxValue } = parameter;
  const refuse = (why: string): TemplateError =>
    new TemplateError(
      `The provided value for the template parameter '${name}' is not valid. ${why}`,
    );
  if (allowedValues !== undefined && !allowedValues.includes(value)) {
    throw refuse(`It is not part of the allowed value(s): '${allowedValues.join(",")}'.`);
  }
  if (typeof value === "string" || Array.isArray(value)) {
    if (value.length < (minLength ?? 0))
      throw refuse(`Its length must be at least '${minLength}'.`);
    if (value.length > (maxLength ?? Infinity))
      throw refuse(`Its length must be at most '${maxLength}'.`);
  }
  if (typeof value === "number") {
    if (value < (minValue ?? -Infinity)) throw refuse(`It must be at least '${minValue}'.`);
    if (value > (maxValue ?? Infinity)) throw refuse(`It must be at most '${maxValue}'.`);
  }
}

function shownParameters(
  template: DeploymentTemplate,
  values: ReadonlyMap<string, unknown>,
): Record<string, object> {
  const shown = Object.entries(template.parameters ?? {}).map(([name, { type }]) => {
    const isSecure = type.toLowerCase().startsWith("secure");
    const spelt = type[0]?.toUpperCase() + type.slice(1);
    return [
      name,
      { type: spelt, ...(isSecure ? {} : { value: values.get(name.toLowerCase()) }) },
    ] as const;
  });
  return Object.fromEntries(shown);
}

/** Children that are written within their parent, as resources of their own. */
function flatten(resources: readonly TemplateResource[]): TemplateResource[] {
  return resources.flatMap((resource) => {
    const children = (resource.resources ?? []).map((child) => ({
      ...child,
      type: child.type.includes(".") ? child.type : `${resource.type}/${child.type}`,
      name: child.type.includes(".") ? child.name : joinNames(resource.name, child.name),
      dependsOn: child.dependsOn ?? [],
    }));
    return [resource, ...flatten(children)];
  });
}

function joinNames(parent: string, child: string): string {
  const inner = (name: string): string => {
    const read = readText(name);
    return typeof read === "string" ? `'${read.replaceAll("'", "''")}'` : name.slice(1, -1);
  };
  return `[concat(${inner(parent)}, '/', ${inner(child)})]`;
}

function turnsOf(source: TemplateResource, scope: TemplateScope): number[] {
  if (source.copy === undefined) return [0];
  const count = Number(evaluate(source.copy.count, scope));
  if (!Number.isInteger(count) || count < 0) {
    throw new TemplateError(
      `The count of the copy '${source.copy.name}' must be a whole number that is not negative.`,
    );
  }
  return Array.from({ length: count }, (_, index) => index);
}

function idOf(source: TemplateResource, scope: TemplateScope): string {
  const name = String(evaluate(source.name, scope));
  const [namespace, ...types] = source.type.split("/");
  const names = name.split("/");
  if (types.length === 0 || types.length !== names.length) {
    throw new TemplateError(
      `The template resource '${name}' for type '${source.type}' at line '1' and column '1' has incorrect segment lengths. A ` +
        "nested resource type must have identical number of segments as its resource name. A root resource type must have " +
        "segment length one greater than its resource name. Please see https://aka.ms/arm-syntax-resources for usage details.",
    );
  }
  if (typeof source.apiVersion !== "string") {
    throw new TemplateError(`The template resource '${name}' has no 'apiVersion'.`);
  }
  const outer =
    source.scope === undefined ? scope.resourceGroup.id : String(evaluate(source.scope, scope));
  const path = types.map((type, index) => `/${type}/${names[index]}`).join("");
  const start = outer.startsWith("/") ? outer : `${scope.resourceGroup.id}/providers/${outer}`;
  return `${start}/providers/${namespace}${path}`;
}

/** Names and ids that a resource refers to by `reference` and `listKeys`: it waits for them if the template has them. */
function referencedBy(source: TemplateResource, scope: TemplateScope): string[] {
  const found: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === "object" && value !== null) {
      for (const inner of Object.values(value)) visit(inner);
      return;
    }
    if (typeof value !== "string") return;
    const read = readText(value);
    if (typeof read === "string") return;
    visitExpression(read, (part) => {
      if (part.kind !== "call" || !/^(reference|listkeys)$/i.test(part.name)) return;
      const [target] = part.args;
      if (target === undefined) return;
      try {
        found.push(`?${String(evaluateExpression(target, scope))}`);
      } catch (error) {
        // within a loop over properties the name is known only in its turn: such references need a `dependsOn`
        if (!(error instanceof TemplateError)) throw error;
      }
    });
  };
  for (const [member, value] of Object.entries(source)) {
    if (!instructions.has(member)) visit(value);
  }
  return found;
}

/** What a name in `dependsOn` stands for: a resource, or all of a loop. One that begins with `?` may be outside of it. */
function resolveName(
  given: string,
  from: { readonly id: string },
  {
    planned,
    skipped,
  }: {
    readonly planned: readonly (PlannedResource & { readonly loop: string | undefined })[];
    readonly skipped: ReadonlySet<string>;
  },
): string[] {
  const isOptional = given.startsWith("?");
  const name = (isOptional ? given.slice(1) : given).toLowerCase();
  const loop = planned.filter((one) => one.loop?.toLowerCase() === name);
  const named = planned.filter((one) => {
    const names = parseArmId(one.id)?.names.join("/").toLowerCase();
    const typed = `${one.type.toLowerCase()}/${names}`;
    return one.id.toLowerCase() === name || names === name || typed === name;
  });
  const found = (named.length > 0 ? named : loop).map((one) => one.id);
  if (found.length > 0 || isOptional || skipped.has(name)) {
    return found.filter((id) => !sameId(id, from.id));
  }
  // a loop of no turns, or one whose resources are all left out
  if ([...skipped].some((id) => id.endsWith(`/${name}`))) return [];
  throw new TemplateError(
    `The resource '${given}' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details.`,
  );
}

function refuseCircles(resources: readonly PlannedResource[]): void {
  const left = new Map(resources.map((one) => [one.id.toLowerCase(), one]));
  for (;;) {
    const ready = [...left.values()].filter((one) =>
      one.dependsOn.every((id) => !left.has(id.toLowerCase())),
    );
    if (ready.length === 0) break;
    for (const one of ready) left.delete(one.id.toLowerCase());
  }
  if (left.size === 0) return;
  const [first] = left.values();
  throw new TemplateError(
    `Circular dependency detected on resource: '${first?.id}'. Please see https://aka.ms/arm-syntax-resources for usage details.`,
  );
}

function bodyOf(source: TemplateResource, scope: TemplateScope): Record<string, unknown> {
  const members = Object.entries(source).filter(([name]) => !instructions.has(name));
  return evaluate(Object.fromEntries(members), scope) as Record<string, unknown>;
}

function outputsOf(template: DeploymentTemplate, scope: TemplateScope): Record<string, object> {
  const shown = Object.entries(template.outputs ?? {})
    .filter(([, { condition }]) => condition === undefined || evaluate(condition, scope) === true)
    .map(([name, { type, value }]) => {
      const isSecure = type.toLowerCase().startsWith("secure");
      const result = evaluate(value, scope);
      return [name, { type, ...(isSecure ? {} : { value: result }) }] as const;
    });
  return Object.fromEntries(shown);
}
