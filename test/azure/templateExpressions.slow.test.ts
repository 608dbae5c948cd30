/** Expressions of templates: what is written is what is read. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ExpressionError,
  parseExpression,
  printExpression,
  readText,
  type Expression,
} from "./templateExpressions.ts";

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);

const { expression } = fc.letrec<{ expression: Expression; call: Expression }>((tie) => ({
  expression: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ kind: fc.constant("string" as const), value: fc.string({ unit: "binary" }) }),
    fc.record({ kind: fc.constant("number" as const), value: fc.integer() }),
    tie("call"),
    fc.record({ kind: fc.constant("member" as const), of: tie("call"), name }),
    fc.record({ kind: fc.constant("index" as const), of: tie("call"), at: tie("expression") }),
  ),
  call: fc.record({
    kind: fc.constant("call" as const),
    name,
    args: fc.array(tie("expression"), { maxLength: 3, depthIdentifier: "calls" }),
  }),
}));

test("an expression that is written is read as what it was, with any space between", () => {
  fc.assert(
    fc.property(expression, (written) => {
      const text = printExpression(written);
      expect(parseExpression(text)).toEqual(written);
      expect(readText(`[ ${text}\n]`)).toEqual(written);
    }),
  );
});

test("whatever text a template holds is read or refused, never anything else", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("[", "]", "(", ")", ".", ",", "'", " ", "a", "0", "-") }),
      (text) => {
        try {
          readText(`[${text}]`);
        } catch (error) {
          expect(error).toBeInstanceOf(ExpressionError);
        }
      },
    ),
  );
});

test.each([
  ["plain", "plain"],
  ["[[not an expression]", "[not an expression]"],
  ["[half", "[half"],
  ["", ""],
])("%j is the text %j", (text, value) => {
  expect(readText(text)).toBe(value);
});
