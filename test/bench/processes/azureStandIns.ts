/**
 * Cosmos DB over https and Azure Storage Queue, as the tests have them, in a process of their own, so that what they use is not taken
 * for the program's. They answer at once, from memory. It must never be kinder than the services (see each peer).
 *
 * Its arguments are the files of its certificate and of the key to it, both PEM.
 */
import { readFileSync } from "node:fs";
import { AzurePeers } from "../../process/azurePeers.ts";

const [certFile = "", keyFile = ""] = process.argv.slice(2);
const forgetMs = 200;

const peers = await AzurePeers.start({
  tls: { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") },
});
// tests look at what was asked; here it would only pile up
const forgetting = setInterval(() => {
  peers.cosmos.requests.length = 0;
  peers.queue.requests.length = 0;
}, forgetMs);
process.once("SIGTERM", () => {
  clearInterval(forgetting);
  void peers[Symbol.asyncDispose]();
});
process.stdout.write(`${JSON.stringify({ settings: peers.settings, url: peers.cosmos.url })}\n`);
