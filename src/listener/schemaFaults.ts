/**
 * The findings of the schema check in the words of ARM: one fault each, with the caller's own JSON path as target
 * (decision 20). No message ever holds a value of the body, which may be a secret; names of unknown members are cut.
 */
import type { ErrorObject } from "ajv";
import type { Fault } from "../model/rpError.ts";
import { itemPath, memberPath } from "../model/jsonPath.ts";

/** A hostile body can have a hundred thousand faults; nobody reads more than these. */
const faultsMax = 50;

/** Keywords by which a body isn't of the contract's form at all; every other one concerns a value. */
const formKeywords: ReadonlySet<string> = new Set([
  "additionalProperties",
  "unevaluatedProperties",
  "type",
  "parse",
]);
/** They only sum up findings that are listed themselves. */
const summaryKeywords: ReadonlySet<string> = new Set(["anyOf", "oneOf", "allOf", "if", "not"]);

const bodyPointer = "/requestBody";

/** All faults, each place and code once, at most `faultsMax`. */
export function schemaFaults(errors: readonly ErrorObject[]): readonly Fault[] {
  const listed = errors.filter(({ keyword }) => !summaryKeywords.has(keyword));
  const faults = new Map<string, Fault>();
  for (const error of listed.length > 0 ? listed : errors) {
    if (faults.size >= faultsMax) break;
    const fault = faultOf(error);
    const place = placeOf(fault);
    if (!faults.has(place)) faults.set(place, fault);
  }
  return [...faults.values()];
}

/** What the contract and a version's rules find, as one list: each place and code once, in the words of the contract. */
export function allFaults(contract: readonly Fault[], rules: readonly Fault[]): readonly Fault[] {
  const faults = new Map<string, Fault>();
  for (const fault of [...contract, ...rules]) {
    const place = placeOf(fault);
    if (!faults.has(place)) faults.set(place, fault);
  }
  return [...faults.values()];
}

function placeOf({ code, target = "" }: Fault): string {
  return `${code} ${target}`;
}

function faultOf(error: ErrorObject): Fault {
  const { keyword, instancePath } = error;
  const inBody = instancePath === bodyPointer || instancePath.startsWith(`${bodyPointer}/`);
  const path = jsonPath(inBody ? instancePath.slice(bodyPointer.length) : instancePath);
  const named = missingOrUnknown(error);
  if (instancePath === "" && named === "requestBody") {
    return { code: "InvalidRequestContent", message: "The request needs a body: one JSON object." };
  }
  const target = named === undefined ? path : memberPath(path, named);
  return {
    code: formKeywords.has(keyword) ? "InvalidRequestContent" : "InvalidParameter",
    message: message(error, target),
    ...(target === "" ? {} : { target }),
  };
}

function missingOrUnknown({ keyword, params }: ErrorObject): string | undefined {
  const name: unknown =
    keyword === "required"
      ? params["missingProperty"]
      : keyword === "additionalProperties"
        ? params["additionalProperty"]
        : keyword === "unevaluatedProperties"
          ? params["unevaluatedProperty"]
          : undefined;
  return typeof name === "string" ? name : undefined;
}

function message(error: ErrorObject, target: string): string {
  const { keyword, params, message: text = "is not valid" } = error;
  const subject = target === "" ? "The body" : `'${target}'`;
  switch (keyword) {
    case "required":
      return `${subject} is missing.`;
    case "additionalProperties":
    case "unevaluatedProperties":
      return `${subject} is not a member that this api-version knows${suggestion(error)}`;
    case "enum":
      return `${subject} must be one of ${(params["allowedValues"] as unknown[]).join(", ")}.`;
    case "type":
      return `${subject} must be ${kindOf(params["type"])}.`;
    case "minimum":
      return `${subject} must be at least ${params["limit"]}.`;
    case "maximum":
      return `${subject} must be at most ${params["limit"]}.`;
    case "minLength":
      return params["limit"] === 1
        ? `${subject} must not be empty.`
        : `${subject} must have at least ${params["limit"]} characters.`;
    case "minItems":
      return `${subject} must have at least ${items(params["limit"])}.`;
    case "maxItems":
      return `${subject} must have at most ${items(params["limit"])}.`;
    default:
      return `${subject} ${text}.`;
  }
}

/** The end of the sentence. Names match exactly, but a caller may be used to others that don't. */
function suggestion(error: ErrorObject): string {
  const unknown = missingOrUnknown(error)?.toLowerCase();
  const known = Object.keys((error.parentSchema?.["properties"] as object | undefined) ?? {});
  const meant = known.find((name) => name.toLowerCase() === unknown);
  return meant === undefined ? "." : `; do you mean '${meant}'?`;
}

function kindOf(type: unknown): string {
  const name = String(type);
  return name === "null" ? name : `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
}

function items(limit: unknown): string {
  return limit === 1 ? "1 item" : `${String(limit)} items`;
}

/**
 * `/properties/workerProfiles/0/name` as `properties.workerProfiles[0].name`. Arrays have short lists of items here, so a
 * number is taken for an index; a map has no member of such a name that the contract could judge but its tags.
 */
function jsonPath(pointer: string): string {
  let path = "";
  for (const part of pointer.split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    const isIndex = /^(0|[1-9][0-9]*)$/.test(name) && path !== "tags";
    path = isIndex ? itemPath(path, Number(name)) : memberPath(path, name);
  }
  return path;
}
