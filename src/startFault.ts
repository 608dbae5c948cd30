/**
 * What is told when the program cannot run: a sentence for whoever can mend it, where one is known. It must never show a secret, nor
 * decide what becomes of the process.
 */
import type { Config } from "./config.ts";
import { EnginesOpenError } from "./engines.ts";
import { ProgramFileError } from "./installers/azure/assets/programFile.ts";
import { NotLoopbackError } from "./listener/httpServer.ts";
import { TlsFilesError } from "./listener/tlsCredentials.ts";
import { StorageQueueOpenError } from "./queue/storageQueueConnection.ts";
import type { Log } from "./runtime/log.ts";
import { CosmosOpenError } from "./store/cosmosConnection.ts";
import { KeyFileError } from "./store/keyFile.ts";
import { KeyVaultError } from "./store/keyVault.ts";
import { isOfLostFile, SqliteFileLostError, SqliteOpenError } from "./store/sqliteFailure.ts";
import { StoreOutcomeUnknownError, StoreUnavailableError } from "./store/store.ts";

/** To the log, and to standard error when somebody else reads that. */
export function tellFault(error: unknown, config: Config, log: Log): void {
  const reason = knownFault(error, config);
  if (reason === undefined) log.error({ error }, "the resource provider cannot run");
  else log.error({ reason }, "the resource provider cannot run");
  if (isSeenInLog(config)) return;
  process.stderr.write(`${reason ?? (error instanceof Error ? error.message : String(error))}\n`);
}

/** Whether who sees standard error sees the log as well, as both go to a terminal: nothing is said there twice. */
function isSeenInLog({ logLevel }: Config): boolean {
  const { stdout, stderr } = process;
  return stdout.isTTY === true && stderr.isTTY === true && logLevel !== "silent";
}

/** Their messages say what to do. */
const ownFaults = [
  NotLoopbackError,
  TlsFilesError,
  SqliteOpenError,
  SqliteFileLostError,
  CosmosOpenError,
  StorageQueueOpenError,
  KeyFileError,
  KeyVaultError,
  EnginesOpenError,
  ProgramFileError,
];

/** What whoever runs the program can mend, in a sentence; a stack would only hide it. */
export function knownFault(error: unknown, config: Config): string | undefined {
  if (ownFaults.some((kind) => error instanceof kind)) return (error as Error).message;
  if (!(error instanceof Error)) return undefined;
  const { code, port, address } = error as NodeJS.ErrnoException & {
    readonly port?: number;
    readonly address?: string;
  };
  const variable = port === config.adminPort ? "ADMIN_PORT" : "PORT";
  if (code === "EADDRINUSE") {
    return `Port ${port} of ${address} is taken (EADDRINUSE): stop what listens there, or set ${variable}.`;
  }
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return `There is no such address on this machine (${error.message}): set HOST or ADMIN_HOST.`;
  }
  if (code === "EACCES") {
    return `Port ${port} of ${address} may not be opened by this user (EACCES): set ${variable}.`;
  }
  return undefined;
}

/** Whether it may be gone at the next start without anybody's doing. */
export function isPassingFault(error: unknown): boolean {
  if (error instanceof StoreUnavailableError) return !isOfLostFile(error);
  if (error instanceof StoreOutcomeUnknownError || error instanceof EnginesOpenError) return true;
  const isOfService =
    error instanceof CosmosOpenError ||
    error instanceof StorageQueueOpenError ||
    error instanceof KeyVaultError;
  return isOfService && error.isPassing;
}
