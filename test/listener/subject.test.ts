/** The law of the comparison by which a caller is let in: different names are different texts, whatever stands in them. */
import { X509Certificate } from "node:crypto";
import "reflect-metadata";
import { Name } from "@peculiar/x509";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { subjectOf } from "../../src/listener/clientCertificates.ts";
import { TestAuthority } from "./testAuthority.ts";

type Part = Readonly<Record<string, string[]>>;

async function textOf(subject: readonly Part[]): Promise<string> {
  // as strings that mean nothing but themselves; plain ones the library would take apart
  const exact = subject.map((part) =>
    Object.fromEntries(
      Object.entries(part).map(([type, values]) => [
        type,
        values.map((utf8String) => ({ utf8String })),
      ]),
    ),
  );
  const { cert } = await TestAuthority.create({ subject: new Name(exact) });
  return subjectOf(new X509Certificate(cert));
}

test.each<[readonly Part[], string]>([
  [[{ CN: ["caller"] }], "CN=caller"],
  [[{ C: ["US"] }, { O: ["Example, Inc."] }, { CN: ["a"] }], "CN=a,O=Example\\, Inc.,C=US"],
  [[{ OU: ["a", "b"] }, { CN: ["x"] }], "CN=x,OU=b+OU=a"],
  [[{ CN: ['a"+;<>\\#b'] }], 'CN=a\\"\\+\\;\\<\\>\\\\#b'],
  [[{ CN: [" #a "] }], "CN=\\ #a\\ "],
  [[{ CN: ["Zoë"] }], "CN=Zoë"],
  [[{ CN: ["a\nO=b"] }], "CN=a\\0AO=b"],
  [[{ DC: ["example"] }, { DC: ["rp"] }], "DC=rp,DC=example"],
])("%j is written as openssl does", async (subject, text) => {
  expect(await textOf(subject)).toBe(text);
});

test("ARM-117: two names have the same text only if they are the same", async () => {
  const value = fc.oneof(
    fc.constantFrom("a", "a,O=b", "a+O=b", "a + O=b", "a\nO=b", "a\\", "\\,", " a", "a ", "#", "é"),
    fc.string({
      minLength: 1,
      maxLength: 6,
      unit: fc.constantFrom(...'ab,+=\\"<>;# \n\r\t/é'.split("")),
    }),
  );
  const part = fc
    .tuple(fc.constantFrom("CN", "O", "OU"), fc.array(value, { minLength: 1, maxLength: 2 }))
    .map(([type, values]) => ({ [type]: values }));
  const name = fc.array(part, { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(name, name, async (one, other) => {
      const [a, b] = [await textOf(one), await textOf(other)];
      expect(a === b).toBe(isDeepStrictEqual(one, other));
    }),
    {
      numRuns: 100,
      examples: [
        [[{ CN: ["a,O=b"] }], [{ O: ["b"] }, { CN: ["a"] }]],
        [[{ CN: ["a\nO=b"] }], [{ CN: ["a"] }, { O: ["b"] }]],
        [[{ CN: ["a + CN=b"] }], [{ CN: ["a", "b"] }]],
        [[{ CN: ["a\\"] }, { O: ["b"] }], [{ CN: ["a\\,O=b"] }]],
      ],
    },
  );
});
