/** Parts of generated bodies that are legal in every api-version. */
import fc from "fast-check";
import { foldCase } from "../../src/model/resourceId.ts";

/** A legal body of a create, as far as every version has the same. */
export interface CreateBody {
  readonly location: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, unknown>>;
}

const tagName = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12 }).filter((name) => !/[<>%&\\?/\p{Cc}]/u.test(name)),
  fc.constantFrom("__proto__", "constructor", "toString", "0"),
);

/** No two of one name in any case. */
export const tags = fc
  .uniqueArray(fc.tuple(tagName, fc.string({ maxLength: 12 })), {
    minLength: 1,
    maxLength: 5,
    selector: ([name]) => foldCase(name),
  })
  // an own member, whatever its name
  .map((entries): Readonly<Record<string, string>> => Object.fromEntries(entries));

/** Pull secrets as JSON text. */
export const pullSecretTexts = fc
  .dictionary(fc.string({ minLength: 1 }), fc.record({ auth: fc.base64String({ minLength: 4 }) }), {
    minKeys: 1,
  })
  .map((auths) => JSON.stringify({ auths }));

/** A list with the pool of workers; `more` is what this version needs besides. */
export function pools(more: Readonly<Record<string, fc.Arbitrary<unknown>>>) {
  return fc
    .record(
      {
        name: fc.constant("worker"),
        vmSize: fc.constantFrom("Standard_D2s_v3", "Standard_D4s_v3", "Standard_D8s_v3"),
        diskSizeGB: fc.integer({ min: 128, max: 32767 }),
        count: fc.integer({ min: 3, max: 20 }),
        ...more,
      },
      { requiredKeys: ["name", ...Object.keys(more)] as "name"[] },
    )
    .map((pool) => [pool]);
}
