/**
 * A layer around every call of a port, whatever its methods are: in front of an adapter, or of another layer. It must never know
 * what a call is about, nor call anything but what it was handed.
 */

/** One call of a port's method. */
export interface PortCall {
  readonly method: string;
  /** Its arguments. */
  readonly given: readonly unknown[];
  /** Makes the call, with other arguments if there are any. */
  readonly run: (given?: readonly unknown[]) => Promise<unknown>;
}

/**
 * The port with a layer around its calls.
 *
 * @param port of which every method is asynchronous.
 * @param around makes each call, once, and gives back what it brings or throws.
 */
export function layeredPort<P extends object>(
  port: P,
  around: (call: PortCall) => Promise<unknown>,
): P {
  const layered = new Map<PropertyKey, unknown>();
  const wrapped =
    (method: string, inner: (...given: unknown[]) => Promise<unknown>) =>
    async (...given: unknown[]): Promise<unknown> =>
      around({ method, given, run: async (other = given) => inner.apply(port, [...other]) });
  return new Proxy(port, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || typeof name !== "string") return value;
      if (!layered.has(name)) {
        layered.set(name, wrapped(name, value as (...given: unknown[]) => Promise<unknown>));
      }
      return layered.get(name);
    },
  });
}
