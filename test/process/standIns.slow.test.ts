/** What `npm run stand-ins` prints is what a user needs who has nothing but that. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { printedCommands } from "./printedCommands.ts";
import { RpProcess } from "./rpProcess.ts";

const program = fileURLToPath(new URL("standIns.ts", import.meta.url));

test("the exports and npm start are all that is to be pasted, and the rest says what ends how", async () => {
  const { prose, blocks, settings, interrupt } = await printedCommands(program, /afterwards\.\n$/);
  expect(blocks).toHaveLength(1);
  expect(blocks[0]).toMatch(/^(export \w+='[^']+'\n)+npm start\n$/);
  expect(prose).toMatch(/until Ctrl-C, which forgets everything/);
  expect(prose).toMatch(/close that shell afterwards/);
  {
    await using rp = await RpProcess.start(settings);
    const clusters = "providers/RedHat.OpenShift/OpenShiftClusters?api-version=2020-04-30";
    const answer = await fetch(
      `${rp.url}/subscriptions/00000000-0000-4000-8000-000000000001/${clusters}`,
    );
    expect([answer.status, await answer.json()]).toEqual([200, { value: [] }]);
  }
  expect(await interrupt()).toMatch(/Everything is forgotten/);
});
