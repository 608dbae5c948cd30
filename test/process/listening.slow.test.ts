/** How the real program opens its ports: on this machine alone where nobody is recognised, and all of them before it serves. */
import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { RpProcess, temporaryFolder } from "./rpProcess.ts";

/** Code that a process runs before its own. */
function preloaded(code: string): string {
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}

const lyingNameServer = `
  import dns from "node:dns";
  const { lookup } = dns;
  dns.lookup = (name, options, answer) =>
    name === "rp.localhost"
      ? process.nextTick(() => answer(null, options.all ? [{ address: "0.0.0.0", family: 4 }] : "0.0.0.0", 4))
      : lookup(name, options, answer);
`;

test.each(["HOST", "ADMIN_HOST"])(
  "ARM-118: %s, a name that leads elsewhere than to this machine, is not listened on without authentication",
  async (variable) => {
    using folder = temporaryFolder();
    await using rp = RpProcess.spawn({
      DATA_DIR: folder.path,
      PORT: "0",
      ADMIN_PORT: "0",
      [variable]: "rp.localhost",
      NODE_OPTIONS: preloaded(lyingNameServer),
    });
    expect((await rp.exit()).code).toBe(1);
    expect(rp.errors).toMatch(/0\.0\.0\.0, which is no loopback address.*set HOST or ADMIN_HOST/);
    expect(rp.log.filter(({ url }) => url !== undefined)).toEqual([]);
  },
);

const tellsPorts = `
  import net from "node:net";
  const { listen, close } = net.Server.prototype;
  net.Server.prototype.listen = function (options, ...rest) {
    process.stderr.write("opens " + options.port + "\\n");
    return listen.call(this, options, ...rest);
  };
  net.Server.prototype.close = function (...rest) {
    process.stderr.write("closes\\n");
    return close.call(this, ...rest);
  };
`;

test("while the operators' port is taken, the frontend's is not opened: nobody's request is cut off", async () => {
  using folder = temporaryFolder();
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  onTestFinished(() => void holder.close());
  const taken = String((holder.address() as AddressInfo).port);
  await using rp = RpProcess.spawn({
    DATA_DIR: folder.path,
    PORT: "0",
    ADMIN_PORT: taken,
    NODE_OPTIONS: preloaded(tellsPorts),
  });
  expect((await rp.exit()).code).toBe(1);
  expect(rp.errors).toContain("set ADMIN_PORT");
  expect(rp.errors.match(/^opens \d+$/gm)).toEqual([`opens ${taken}`]);
});

test("while the frontend's port is taken, the operators' is closed again", async () => {
  using folder = temporaryFolder();
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  onTestFinished(() => void holder.close());
  const taken = String((holder.address() as AddressInfo).port);
  await using rp = RpProcess.spawn({
    DATA_DIR: folder.path,
    PORT: taken,
    ADMIN_PORT: "0",
    NODE_OPTIONS: preloaded(tellsPorts),
  });
  expect((await rp.exit()).code).toBe(1);
  expect(rp.errors).toMatch(new RegExp(`^opens 0\nopens ${taken}\ncloses\n`));
  expect(rp.errors).toContain("set PORT");
});
