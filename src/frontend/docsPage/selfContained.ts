/**
 * A JSON document with everything inside that it refers to in other files. What a reference names by a pointer, such as
 * ARM's common types, becomes a member of the same section of the document; what it names as a whole, such as an example,
 * takes the place of the reference. It follows only references to files, and never leaves one out.
 */
import { readFileSync } from "node:fs";

type JsonObject = Readonly<Record<string, unknown>>;
type Sections = Record<string, Record<string, unknown>>;

/**
 * @throws {Error} when a reference leads nowhere, or two files have something under one name.
 */
export function selfContained(file: URL): object {
  const documents = new Map<string, JsonObject>();
  const taken: Sections = {};
  /** From which file each pointer was taken. */
  const origins = new Map<string, string>();

  const read = (from: URL): JsonObject => {
    const known = documents.get(from.href);
    if (known !== undefined) return known;
    const document = JSON.parse(readFileSync(from, "utf8")) as JsonObject;
    documents.set(from.href, document);
    return document;
  };

  const inside = (value: unknown, base: URL): unknown => {
    if (Array.isArray(value)) return value.map((item) => inside(item, base));
    if (typeof value !== "object" || value === null) return value;
    const object = value as JsonObject;
    const reference = object["$ref"];
    if (typeof reference !== "string" || (base.href === file.href && reference.startsWith("#"))) {
      return members(object, base);
    }
    const target = new URL(reference, base);
    const pointer = target.hash;
    target.hash = "";
    if (pointer === "") return inside(read(target), target);
    take(target, pointer);
    return members({ ...object, $ref: pointer }, base);
  };

  const members = (object: JsonObject, base: URL): JsonObject =>
    Object.fromEntries(Object.entries(object).map(([key, member]) => [key, inside(member, base)]));

  const take = (from: URL, pointer: string): void => {
    const [, section, name] = /^#\/(\w+)\/([\w.-]+)$/.exec(pointer) ?? [];
    const found = section && name ? sectionOf(read(from), section)[name] : undefined;
    if (section === undefined || name === undefined || found === undefined) {
      throw new Error(`${from.pathname}: there is nothing at ${pointer}`);
    }
    const origin = name in sectionOf(read(file), section) ? file.pathname : origins.get(pointer);
    if (origin === from.pathname) return;
    if (origin !== undefined) {
      throw new Error(`${origin} and ${from.pathname} both have ${pointer}`);
    }
    // before its own references are followed, which may lead back to it
    origins.set(pointer, from.pathname);
    (taken[section] ??= {})[name] = inside(found, from);
  };

  const whole = inside(read(file), file) as JsonObject;
  const extended = Object.entries(taken).map(([section, names]) => [
    section,
    { ...names, ...sectionOf(whole, section) },
  ]);
  return { ...whole, ...Object.fromEntries(extended) };
}

function sectionOf(document: JsonObject, section: string): JsonObject {
  return (document[section] ?? {}) as JsonObject;
}
