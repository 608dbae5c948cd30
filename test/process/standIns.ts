/**
 * `npm run stand-ins`: Cosmos DB and Azure Storage Queue as the tests have them, to try the Azure engines on this machine. They
 * keep everything in memory and forget it at their end; they must never be taken for the services.
 */
import { AzurePeers } from "./azurePeers.ts";

const peers = await AzurePeers.start();
const lines = Object.entries(peers.settings).map(([name, value]) => `export ${name}='${value}'`);
process.stdout.write(
  `# stand-ins run until Ctrl-C; in another shell, for npm start:\n${lines.join("\n")}\n` +
    "export UNANNOUNCED_SUBSCRIPTIONS=registered\n",
);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => void peers[Symbol.asyncDispose]());
}
