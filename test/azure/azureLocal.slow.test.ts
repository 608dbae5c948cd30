/**
 * What `npm run azure:local` prints, pasted block after block by a user who has nothing but that: a cluster comes and goes, faults
 * are set and forgotten.
 */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { paste, printedCommands } from "../process/printedCommands.ts";
import { RpProcess } from "../process/rpProcess.ts";

const program = fileURLToPath(new URL("azureLocal.ts", import.meta.url));
const waiting = { timeout: 120_000, interval: 500 };

test("the blocks can be pasted in their order, and leave nothing of a cluster and no fault", async () => {
  const { prose, blocks, settings, interrupt } = await printedCommands(program, / -d @-\n$/);
  const [start = "", create = "", look = "", resources = "", calls = "", ...more] = blocks;
  const faults = more.slice(0, 5);
  const [forget = "", remove = "", remains = "", second = ""] = more.slice(5);
  expect(start).toMatch(/^(export \w+='[^']+'\n)+npm start\n$/);
  // not even behind a command
  expect(blocks.join("").match(/(^|\s)#.*/gm)).toBeNull();
  expect(prose).not.toMatch(/ (curl|export|#) /);
  for (const said of [
    "forgets everything",
    "close that shell afterwards",
    "8080 is the port of npm start",
    "if PORT says otherwise",
    "set a fault, then create, scale or delete a cluster; after a failure send the PUT again",
  ]) {
    expect(prose).toContain(said);
  }

  await using rp = await RpProcess.start(settings);
  const run = async (lines: string): Promise<string> =>
    await paste(lines.replaceAll("http://localhost:8080", rp.url));
  const before = await run(resources);
  expect(before).toMatch(/^(Microsoft\.[\w./]+ \S+\n)+$/);
  expect(await run(create)).toMatch(/^HTTP\/1.1 201 /);
  await expect.poll(async () => await run(look), waiting).toContain('"Succeeded"');
  expect(await run(resources)).toMatch(/^Microsoft\.Compute\/virtualMachines \S+$/m);
  expect(JSON.parse(await run(calls))).toContainEqual(
    expect.objectContaining({ method: "PUT", status: 201 }),
  );

  for (const fault of faults) expect(await run(fault)).toMatch(/^\{"accepted":\{.*\}\}\n$/);
  expect(await run(forget)).toBe("\n");
  expect(await run(remove)).toMatch(/^HTTP\/1.1 202 /);
  await expect
    .poll(async () => await run(remains), waiting)
    .toMatch(/^HTTP\/1.1 404 [^]*ResourceNotFound/);
  expect((await run(remains)).endsWith(before)).toBe(true);

  expect(await run(second)).toMatch(/"name":"workers-2"[^]*HTTP\/1.1 201 /);
  // which the policy would have forbidden, had it not been forgotten
  await expect
    .poll(async () => await run(resources), waiting)
    .toMatch(/^Microsoft\.Resources\/resourceGroups second-machines$/m);
  expect(await interrupt()).toMatch(/Everything is forgotten/);
});
