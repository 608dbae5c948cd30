/**
 * How programs to try this one with print what a user is to paste into a shell: indented, and apart from it plain prose. It must
 * put no comment among the commands: zsh takes `#` for a command unless it is told otherwise.
 */

/** What is to be pasted, one or more lines. */
export function pasted(lines: string): string {
  return lines.replaceAll(/^(?=.)/gm, "    ");
}

/** To be pasted into a shell of its own: `npm start` with these settings, and what becomes of that shell. */
export function startLines(settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(([name, value]) => `export ${name}='${value}'`);
  return `${pasted([...lines, "npm start"].join("\n"))}

As long as that shell is open, the exports lead every npm start in it to the stand-ins: close that shell afterwards.
`;
}
