/**
 * ASN.1 values in their distinguished encoding (ITU-T X.690), as far as certificates need it: it writes and never reads. By hand,
 * as a general library takes milliseconds of the event loop for each certificate. A default must be left out by the caller.
 */

/** An encoded value: tag, length, content. */
export type Der = Buffer;

const constructed = 0x20;
const contextSpecific = 0x80;

export function sequence(...members: readonly Uint8Array[]): Der {
  return element(0x10 | constructed, ...members);
}

/** A set of one member, so that no order is needed. */
export function setOf(member: Uint8Array): Der {
  return element(0x11 | constructed, member);
}

/** `[n] EXPLICIT`: around another value. */
export function explicit(tag: number, value: Uint8Array): Der {
  return element(contextSpecific | constructed | tag, value);
}

/** `[n] IMPLICIT` of a primitive: its content under another tag. */
export function implicit(tag: number, content: Uint8Array): Der {
  return element(contextSpecific | tag, content);
}

export function trueValue(): Der {
  return element(0x01, Uint8Array.of(0xff));
}

/** @param bytes two's complement, in as few bytes as possible. */
export function integer(bytes: Uint8Array): Der {
  return element(0x02, bytes);
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Der {
  return element(0x03, Uint8Array.of(unusedBits), bytes);
}

export function octetString(bytes: Uint8Array): Der {
  return element(0x04, bytes);
}

export function utf8String(text: string): Der {
  return element(0x0c, Buffer.from(text, "utf8"));
}

/** @param dotted such as `2.5.4.3`. */
export function objectIdentifier(dotted: string): Der {
  const [first = 0, second = 0, ...arcs] = dotted.split(".").map(Number);
  return element(0x06, Uint8Array.from([first * 40 + second, ...arcs].flatMap(base128)));
}

/** RFC 5280, section 4.1.2.5: whole seconds, two digits for years before 2050, four from then on. */
export function time(at: number): Der {
  const digits = new Date(at).toISOString().replace(/\..*$/, "").replaceAll(/[-:T]/g, "");
  return digits < "2050"
    ? element(0x17, Buffer.from(`${digits.slice(2)}Z`, "latin1"))
    : element(0x18, Buffer.from(`${digits}Z`, "latin1"));
}

function element(tag: number, ...contents: readonly Uint8Array[]): Der {
  const content = Buffer.concat(contents);
  return Buffer.concat([Uint8Array.of(tag, ...lengthOf(content)), content]);
}

function lengthOf({ length }: Uint8Array): readonly number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

/** Seven bits a byte, all but the last marked. */
function base128(arc: number): readonly number[] {
  const bytes = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift((rest % 128) | 0x80);
  }
  return bytes;
}
