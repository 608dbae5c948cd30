/**
 * Loaded into the emulator's process before anything else: its `Date` goes on by a millisecond with each request, so that they
 * keep their order, and otherwise only when the parent turns it by a message, so that a slow machine changes nothing; or, once the
 * parent has let it run, with the machine. The process ends with its parent. Its receipts are told apart by a second and two random bytes; as a second can last long here, those
 * bytes count instead. Nothing else of it is touched.
 */
import crypto from "node:crypto";
import { subscribe } from "node:diagnostics_channel";

const SystemDate = globalThis.Date;
let turnedTo = SystemDate.now();
/** Since when it runs, by the monotonic clock of the process. */
let runsSince: number | undefined;

function now(): number {
  return turnedTo + (runsSince === undefined ? 0 : Math.floor(performance.now() - runsSince));
}

globalThis.Date = new Proxy(SystemDate, {
  construct: (target, given, newTarget): object =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as object,
  apply: () => new SystemDate(now()).toString(),
  get: (target, name, receiver): unknown =>
    name === "now" ? now : Reflect.get(target, name, receiver),
});

subscribe("http.server.request.start", () => (turnedTo += 1));

let counted = 0;
crypto.randomBytes = new Proxy(crypto.randomBytes, {
  apply: (target, self, given: readonly unknown[]): unknown => {
    if (given.length !== 1 || given[0] !== 2) return Reflect.apply(target, self, given);
    counted += 1;
    return Buffer.from([(counted >> 8) & 0xff, counted & 0xff]);
  },
});

process.on("message", (message: { readonly advanceMs?: number; readonly runs?: true }) => {
  turnedTo += message.advanceMs ?? 0;
  if (message.runs === true) runsSince ??= performance.now();
  process.send?.("turned");
});
process.on("disconnect", () => process.exit());
