/**
 * `npm run stand-ins`: Cosmos DB and Azure Storage Queue as the tests have them, to try the Azure engines on this machine. They
 * keep everything in memory and forget it at their end; they must never be taken for the services.
 */
import { AzurePeers } from "./azurePeers.ts";
import { startLines } from "./pastedLines.ts";

const peers = await AzurePeers.start();
process.stdout.write(
  `The stand-ins run until Ctrl-C, which forgets everything, the clusters of npm start too: then begin anew, with new exports.
In another shell paste what is indented:

${startLines({ ...peers.settings, UNANNOUNCED_SUBSCRIPTIONS: "registered" })}`,
);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    process.stdout.write(
      "\nEverything is forgotten: end npm start as well, then start both anew, with the new exports.\n",
    );
    void peers[Symbol.asyncDispose]();
  });
}
