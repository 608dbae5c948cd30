/**
 * JSON texts that no serializer would write: valid documents of the contract, changed in a place or two, with members given
 * twice, numbers beyond any range and bytes that are no UTF-8. Documents are trees of texts here, so that nothing of this is lost.
 */
import fc from "fast-check";

/** A value: its members in order, names not necessarily once; its items; or any text at all. */
type Node =
  | { readonly members: readonly (readonly [string, Node])[] }
  | { readonly items: readonly Node[] }
  | { readonly text: string };

function nodeOf(value: unknown): Node {
  if (Array.isArray(value)) return { items: value.map(nodeOf) };
  if (typeof value === "object" && value !== null) {
    return { members: Object.entries(value).map(([name, member]) => [name, nodeOf(member)]) };
  }
  return { text: JSON.stringify(value) };
}

function textOf(node: Node): string {
  if ("text" in node) return node.text;
  if ("items" in node) return `[${node.items.map(textOf).join()}]`;
  return `{${node.members.map(([name, member]) => `${JSON.stringify(name)}:${textOf(member)}`).join()}}`;
}

const names = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "length",
  "valueOf",
  "then",
  "",
  "0",
  "-1",
  "$ref",
  "a.b",
  "a[0]",
  "a/b~c",
  "location",
  "properties",
  "provisioningState",
  "tags",
  "TAGS",
  "id",
  "name",
  "type",
  "etag",
  "systemData",
  "\u0000",
  "\ud800",
  "\u202e",
  "é",
  "e\u0301",
  "x".repeat(2_000),
];

/** Texts in the place of a value; a character up to `ÿ` becomes a byte of the body. */
const values = [
  "null",
  "true",
  "false",
  "0",
  "-0",
  "-1",
  "3",
  "1.5",
  "1e308",
  "1e999",
  "-1e-999",
  "9007199254740993",
  "0x10",
  "01",
  "NaN",
  "undefined",
  "",
  "'single'",
  "[]",
  "{}",
  "[null]",
  '[[],[[]],{"a":{}}]',
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u202e"',
  '"\xff\xfe"',
  '"\xc0\xaf"',
  '"\xed\xa0\x80"',
  '"\t"',
  '"10.0.0.0/33"',
  '"10.128.0.0/14"',
  '"::/0"',
  '"010.0.0.0/8"',
  '"eastus"',
  '"EAST US"',
  '"Public"',
  '"Succeeded"',
  '"Deleted"',
  '"Registered"',
  '"worker"',
  '"4.3.27"',
  '"Standard_D8s_v3"',
  "\"[parameters('x')]\"",
  '"[[x"',
  '"../../etc/passwd"',
  '"<script>alert(1)</script>"',
  '"\' OR 1=1 --"',
  '"${jndi:ldap://x}"',
  '"%s%s%n"',
  '"2020-04-30"',
  '"RedHat.OpenShift/OpenShiftClusters"',
  `"${"a".repeat(300)}"`,
  `"${"x".repeat(70_000)}"`,
  `"${"(".repeat(5_000)}"`,
  `"${"a-".repeat(3_000)}"`,
  `"${".".repeat(3_000)}"`,
  `"${"\\u00e9".repeat(500)}"`,
  `"${"=".repeat(3_000)}"`,
  `${"[".repeat(63)}${"]".repeat(63)}`,
  `${"[".repeat(100)}${"]".repeat(100)}`,
  `${'{"a":'.repeat(60)}1${"}".repeat(60)}`,
  `${"[".repeat(20_000)}`,
  `[${"0,".repeat(999)}0]`,
  `[${"{},".repeat(1_200)}{}]`,
  `{${Array.from({ length: 300 }, (_, at) => `"m${at}":"v"`).join()}}`,
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"name":"worker","name":"other"}',
  '[{"name":"worker"},{"name":"worker"}]',
  '[{"name":"WORKER"}]',
];

const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...values) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: "binary", maxLength: 40 }).map((text) => JSON.stringify(text)),
  },
  { weight: 1, arbitrary: fc.double().map(String) },
);

interface Change {
  readonly kind: "replace" | "remove" | "rename" | "add" | "twice" | "wrap" | "nothing";
  /** Which of all places, counted through. */
  readonly place: number;
  readonly name: string;
  readonly value: string;
}

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(
    "replace",
    "replace",
    "replace",
    "remove",
    "rename",
    "add",
    "twice",
    "wrap",
  ),
  place: fc.nat(40),
  name: fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 12 })),
  value,
});

function changed(root: Node, { kind, place, name, value: text }: Change): Node {
  let at = -1;
  const visit = (node: Node, own: string): readonly (readonly [string, Node])[] => {
    at += 1;
    const isHere = at === place;
    const inner: Node =
      "members" in node
        ? { members: node.members.flatMap(([member, value_]) => visit(value_, member)) }
        : "items" in node
          ? { items: node.items.flatMap((item) => visit(item, "").map(([, each]) => each)) }
          : node;
    if (!isHere) return [[own, inner]];
    const other: Node = { text };
    switch (kind) {
      case "replace":
        return [[own, other]];
      case "remove":
        return [];
      case "rename":
        return [[name, inner]];
      case "add":
        return [
          [own, inner],
          [name, other],
        ];
      case "twice":
        return [
          [own, inner],
          [own, other],
        ];
      case "wrap":
        return [[own, { items: [inner, inner] }]];
      case "nothing":
        return [[own, inner]];
    }
  };
  return visit(root, "")[0]?.[1] ?? { text };
}

/** The texts of documents, most of them changed; each character is a byte. */
export function hostileJson(documents: readonly unknown[]): fc.Arbitrary<string> {
  const nodes = documents.map(nodeOf);
  return fc.oneof(
    {
      weight: 10,
      arbitrary: fc
        .tuple(
          fc.constantFrom(...nodes),
          fc.oneof(
            { weight: 1, arbitrary: fc.constant([]) },
            { weight: 6, arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }) },
          ),
        )
        .map(([node, changes]) => latin1Of(textOf(changes.reduce<Node>(changed, node)))),
    },
    { weight: 2, arbitrary: value.map(latin1Of) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...nodes), fc.nat(400), fc.string({ maxLength: 3 }))
        .map(([node, at, text]) => {
          const whole = textOf(node);
          return latin1Of(whole.slice(0, at) + text + whole.slice(at + 1));
        }),
    },
    {
      weight: 1,
      arbitrary: fc
        .uint8Array({ maxLength: 60 })
        .map((bytes) => Buffer.from(bytes).toString("latin1")),
    },
  );
}

/** Characters beyond a byte as their UTF-8; the others stand for bytes as they are. */
function latin1Of(text: string): string {
  return text.replaceAll(/[\u0100-\uffff]+/g, (part) => Buffer.from(part).toString("latin1"));
}
