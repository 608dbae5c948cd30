/**
 * The forms in which a secret may stand in a text or a file: as it is, or as somebody would have encoded it on the way. A search
 * for it that only knows one of them proves little.
 */

/** Each form as bytes of Latin-1, such as `Buffer.toString("latin1")` gives them. */
export function formsOf(secret: string): ReadonlyMap<string, string> {
  const bytes = Buffer.from(secret);
  const json = JSON.stringify(secret).slice(1, -1);
  const forms = new Map<string, string>([
    ["clear", secret],
    ["JSON", json],
    ["JSON in JSON", JSON.stringify(json).slice(1, -1)],
    ["URL", encodeURIComponent(secret)],
    ["hex", bytes.toString("hex")],
    ["HEX", bytes.toString("hex").toUpperCase()],
    ["UTF-16", Buffer.from(secret, "utf16le").toString("latin1")],
  ]);
  for (const offset of [0, 1, 2]) {
    forms.set(`base64, ${offset} bytes into it`, base64At(bytes, offset, "base64"));
    forms.set(`base64url, ${offset} bytes into it`, base64At(bytes, offset, "base64url"));
  }
  return new Map(
    [...forms].map(([name, text]) => [
      name,
      name === "UTF-16" ? text : Buffer.from(text).toString("latin1"),
    ]),
  );
}

/** The characters that are the same whatever stands before and after, so many bytes behind a multiple of three. */
function base64At(bytes: Buffer, offset: number, encoding: "base64" | "base64url"): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes, Buffer.alloc(3)]).toString(encoding);
  const from = Math.ceil((offset * 8) / 6);
  const until = Math.floor(((offset + bytes.length) * 8) / 6);
  return text.slice(from, until);
}

/** Which of these forms stand in something; a text is looked at in UTF-8, a file as it is. */
export function formsIn(
  where: string | Uint8Array,
  forms: ReadonlyMap<string, string>,
): readonly string[] {
  const text = Buffer.from(where).toString("latin1");
  return [...forms].filter(([, form]) => text.includes(form)).map(([name]) => name);
}
