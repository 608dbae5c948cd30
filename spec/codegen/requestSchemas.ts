/**
 * What a request may hold: every object closed, so that an unknown member is reported with its path. Members that are
 * only shown are allowed with any value, since a client may send back what it got. Nothing here has a default.
 */
import type { Schema } from "./document.ts";
import { flatten, ownChecks } from "./flatten.ts";

/**
 * The body of a PUT or POST.
 *
 * @param asked the schema of the request. Emitters leave most of the read-only members out of it.
 * @param shown the schema of the same thing in the answer, which has them.
 */
export function requestSchema(document: object, asked: Schema, shown: Schema | undefined): Schema {
  const flat = flatten(asked, document);
  const seen = shown && flatten(shown, document);
  if (flat.items !== undefined) {
    return { ...ownChecks(flat), items: requestSchema(document, flat.items, seen?.items) };
  }
  if (typeof flat.additionalProperties === "object") {
    const values = requestSchema(document, flat.additionalProperties, undefined);
    return { ...ownChecks(flat), additionalProperties: values };
  }
  if (flat.type !== "object") return ownChecks(flat);

  const members: Record<string, Schema> = {};
  for (const [name, member] of Object.entries(flat.properties ?? {})) {
    const counterpart = seen?.properties?.[name];
    const settable = flatten(member, document).readOnly !== true;
    members[name] = settable ? requestSchema(document, member, counterpart) : {};
  }
  for (const name of Object.keys(seen?.properties ?? {})) members[name] ??= {};
  return {
    ...ownChecks(flat),
    properties: members,
    ...(flat.required && { required: flat.required }),
    additionalProperties: false,
  };
}

/**
 * The body of a PATCH, from that of the PUT (RFC 7396): the same members, none of them needed, each of them nullable.
 * How the merged result must look is judged later, so an array may be empty here.
 */
export function patchSchema(put: Schema): Schema {
  const { required: _, minItems: __, ...rest } = put;
  return {
    ...rest,
    ...(put.properties && { properties: mapValues(put.properties, memberOfPatch) }),
    ...(typeof put.additionalProperties === "object" && {
      additionalProperties: memberOfPatch(put.additionalProperties),
    }),
    ...(put.items && { items: patchSchema(put.items) }),
  };
}

function memberOfPatch(member: Schema): Schema {
  // a member that takes any value takes null, too
  if (Object.keys(member).length === 0) return member;
  const schema = patchSchema(member);
  return {
    ...schema,
    ...(schema.enum && { enum: [...schema.enum, null] }),
    nullable: true,
  };
}

function mapValues(
  members: Readonly<Record<string, Schema>>,
  convert: (member: Schema) => Schema,
): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(members).map(([name, member]) => [name, convert(member)]),
  );
}
