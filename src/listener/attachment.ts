/**
 * What one part of the way of a request keeps on its request, response or connection for another part. It stands on the object itself:
 * entries of a WeakMap made for each request cost the garbage collector more than what they hold. It must never hold what a log that
 * shows the whole object may not show.
 */

/** One thing that objects of a kind may have with them. */
export class Attachment<Holder extends object, Value> {
  readonly #key: symbol;

  /** @param name for whoever looks at such an object in a debugger. */
  constructor(name: string) {
    this.#key = Symbol(name);
  }

  get(holder: Holder): Value | undefined {
    return (holder as Attached<Value>)[this.#key];
  }

  set(holder: Holder, value: Value): void {
    (holder as Attached<Value>)[this.#key] = value;
  }
}

type Attached<Value> = Record<symbol, Value | undefined>;
