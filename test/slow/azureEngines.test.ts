/** The real program on the Azure engines: against peers of our own, and against servers that nobody here wrote. */
import { AzurePeers } from "../process/azurePeers.ts";
import { engineSuite, stopCase } from "../process/engineSuite.ts";
import { startForeignServers } from "../process/foreignServers.ts";

engineSuite("the Azure engines, on peers", async () => AzurePeers.start());
stopCase("SIGINT", async () => AzurePeers.start());
engineSuite("the Azure engines, on @vercel/cosmosdb-server and Azurite", startForeignServers);
stopCase("SIGINT", startForeignServers);
