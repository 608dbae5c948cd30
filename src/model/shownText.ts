/** How a text of the caller is repeated in a message. Never for secrets. */

/** At most so much of it is repeated; nearly every ARM id is shorter. */
const shownMax = 300;

/**
 * The text without control characters, nor others that end a line or turn it around, never whole megabytes. Of a long one both ends: an ARM id's last segment is its name.
 */
export function shown(text: string): string {
  return withoutMiddle(text)
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, "?")
    .toWellFormed();
}

function withoutMiddle(text: string): string {
  if (text.length <= shownMax) return text;
  const half = shownMax / 2;
  return `${text.slice(0, half)}…${text.slice(-half)}`;
}
