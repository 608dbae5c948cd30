/** The encoding against values that X.690 and RFC 5280 give, at the borders of its forms. */
import { describe, expect, it } from "vitest";
import {
  bitString,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  trueValue,
  utf8String,
} from "../../../src/installers/local/der.ts";

describe("the distinguished encoding", () => {
  it.each([
    ["2.5.4.3", "0603550403"],
    ["1.2.840.113549", "06062a864886f70d"],
    ["1.2.840.10045.4.3.2", "06082a8648ce3d040302"],
    ["2.999.127.128.16383.16384", "060a88377f8100ff7f818000"],
  ])("writes the object identifier %s", (dotted, hex) => {
    expect(objectIdentifier(dotted).toString("hex")).toBe(hex);
  });

  it.each([
    [0, "0400"],
    [127, "047f"],
    [128, "048180"],
    [255, "0481ff"],
    [256, "04820100"],
    [65_535, "0482ffff"],
    [65_536, "0483010000"],
  ])("writes the length %i", (length, head) => {
    const value = octetString(new Uint8Array(length));
    expect(value.subarray(0, head.length / 2).toString("hex")).toBe(head);
    expect(value).toHaveLength(head.length / 2 + length);
  });

  it.each([
    ["2026-06-01T12:34:56.789Z", "\u0017\u000d260601123456Z"],
    ["2049-12-31T23:59:59.999Z", "\u0017\u000d491231235959Z"],
    ["2050-01-01T00:00:00.000Z", "\u0018\u000f20500101000000Z"],
  ])("writes the time %s to the second", (at, text) => {
    expect(time(Date.parse(at)).toString("latin1")).toBe(text);
  });

  it("writes the other forms", () => {
    const value = sequence(
      trueValue(),
      integer(Uint8Array.of(2)),
      bitString(Uint8Array.of(0x80), 7),
      setOf(utf8String("é")),
      explicit(3, sequence()),
      implicit(0, Uint8Array.of(1)),
    );
    expect(value.toString("hex")).toBe(
      ["3017", "0101ff", "020102", "03020780", "31040c02c3a9", "a3023000", "800101"].join(""),
    );
  });
});
