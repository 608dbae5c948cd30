/**
 * Reads a completed body member by member, as the types that an api-version's conversion needs. What has another type is
 * left out and noted as a fault with its JSON path. The contract's schema has found such faults before; here they
 * make sure that nothing malformed can get into a cluster. Never throws, and no message holds a value of the body.
 */
import type { Fault } from "../model/rpError.ts";
import type { WireObject } from "./apiVersion.ts";
import { itemPath, memberPath } from "../model/jsonPath.ts";
import { isWireObject, memberOf, objectOf } from "./wireObject.ts";

export class WireReader {
  readonly #value: WireObject;
  readonly #path: string;
  /** Shared by all readers of one body. */
  readonly faults: Fault[];

  /** `value` may be anything; what isn't an object has no members. */
  constructor(value: unknown, path = "", faults: Fault[] = []) {
    this.faults = faults;
    this.#path = path;
    this.#value = this.#read(value, path, isWireObject, "an object") ?? {};
  }

  text(name: string): string | undefined {
    return this.#member(name, (value) => typeof value === "string", "a string");
  }

  wholeNumber(name: string): number | undefined {
    const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);
    return this.#member(name, isWhole, "a whole number");
  }

  /** A map of strings. */
  texts(name: string): Readonly<Record<string, string>> | undefined {
    const map = this.#member(name, isWireObject, "an object");
    if (map === undefined) return undefined;
    const reader = new WireReader(map, memberPath(this.#path, name), this.faults);
    return objectOf(Object.keys(map).map((key) => [key, reader.text(key)]));
  }

  /** A member that is an object; an absent one reads as one without members. */
  object(name: string): WireReader {
    const value = memberOf(this.#value, name);
    const path = memberPath(this.#path, name);
    return new WireReader(value === undefined ? {} : value, path, this.faults);
  }

  /** The items of a member that is an array of objects. */
  items(name: string): readonly WireReader[] {
    const isArray = (value: unknown): value is unknown[] => Array.isArray(value);
    const items = this.#member(name, isArray, "an array") ?? [];
    const path = memberPath(this.#path, name);
    return items.map((item, index) => new WireReader(item, itemPath(path, index), this.faults));
  }

  #member<T>(name: string, is: (value: unknown) => value is T, what: string): T | undefined {
    const value = memberOf(this.#value, name);
    return value === undefined
      ? undefined
      : this.#read(value, memberPath(this.#path, name), is, what);
  }

  #read<T>(
    value: unknown,
    path: string,
    is: (value: unknown) => value is T,
    what: string,
  ): T | undefined {
    if (is(value)) return value;
    this.faults.push({
      code: "InvalidRequestContent",
      message: `${path === "" ? "The body" : `'${path}'`} must be ${what}.`,
      ...(path === "" ? {} : { target: path }),
    });
    return undefined;
  }
}
