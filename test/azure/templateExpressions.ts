/**
 * The expression language of deployment templates: `[concat('a', parameters('b'))]`. It reads and writes expressions; what the
 * functions mean is `templateFunctions.ts`'s, and this file must know none of them.
 */

export type Expression =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: "member"; readonly of: Expression; readonly name: string }
  | { readonly kind: "index"; readonly of: Expression; readonly at: Expression };

/** An expression that can't be read. The template that holds it is refused. */
export class ExpressionError extends Error {}

/** What a text of a template is: itself, or an expression in brackets. Two opening brackets stand for one. */
export function readText(text: string): string | Expression {
  if (!text.startsWith("[") || !text.endsWith("]")) return text;
  if (text.startsWith("[[")) return text.slice(1);
  return parseExpression(text.slice(1, -1));
}

/**
 * Reads what stands between the brackets.
 *
 * @throws {ExpressionError} when it isn't an expression.
 */
export function parseExpression(text: string): Expression {
  const parser = new Parser(text);
  const expression = parser.expression();
  parser.expectEnd();
  return expression;
}

/** Writes what `parseExpression` reads. */
export function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case "string":
      return `'${expression.value.replaceAll("'", "''")}'`;
    case "number":
      return String(expression.value);
    case "call":
      return `${expression.name}(${expression.args.map((one) => printExpression(one)).join(", ")})`;
    case "member":
      return `${printExpression(expression.of)}.${expression.name}`;
    case "index":
      return `${printExpression(expression.of)}[${printExpression(expression.at)}]`;
  }
}

/** Calls back for an expression and all within it. */
export function visitExpression(
  expression: Expression,
  visit: (expression: Expression) => void,
): void {
  visit(expression);
  if (expression.kind === "call") for (const one of expression.args) visitExpression(one, visit);
  if (expression.kind === "member" || expression.kind === "index") {
    visitExpression(expression.of, visit);
  }
  if (expression.kind === "index") visitExpression(expression.at, visit);
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  expression(): Expression {
    let result = this.#primary();
    for (;;) {
      if (this.#take(".")) {
        result = {
          kind: "member",
          of: result,
          name: this.#match(/\w+/y, "the name of a property"),
        };
      } else if (this.#take("[")) {
        const at = this.expression();
        this.#expect("]");
        result = { kind: "index", of: result, at };
      } else return result;
    }
  }

  expectEnd(): void {
    this.#skipSpace();
    if (this.#at !== this.#text.length) throw this.#fault("the end");
  }

  #primary(): Expression {
    this.#skipSpace();
    if (this.#text[this.#at] === "'") {
      const quoted = this.#match(/'(?:[^']|'')*'/y, "the closing quote of a string");
      return { kind: "string", value: quoted.slice(1, -1).replaceAll("''", "'") };
    }
    if (/[-\d]/.test(this.#text[this.#at] ?? "")) {
      return { kind: "number", value: Number(this.#match(/-?\d+/y, "a number")) };
    }
    const name = this.#match(/[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?(?=\s*\()/y, "a function");
    this.#expect("(");
    const args: Expression[] = [];
    if (this.#take(")")) return { kind: "call", name, args };
    do args.push(this.expression());
    while (this.#take(","));
    this.#expect(")");
    return { kind: "call", name, args };
  }

  #match(pattern: RegExp, what: string): string {
    this.#skipSpace();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) throw this.#fault(what);
    this.#at += found.length;
    return found;
  }

  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw this.#fault(`'${character}'`);
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at += 1;
  }

  #fault(expected: string): ExpressionError {
    return new ExpressionError(
      `The template language expression '${this.#text}' is not valid: expected ${expected} at position ${this.#at}.`,
    );
  }
}
