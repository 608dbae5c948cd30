/**
 * What the measured program keeps its state on: the embedded engine in a folder, or the Azure engines on stand-ins in memory that
 * answer at once, Cosmos DB over https. The program is told by settings alone, and is the same in both cases.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { fileURLToPath } from "node:url";
import { AccountKey } from "../../src/accountSettings.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemIds, systemRandom } from "../../src/runtime/ids.ts";
import { openCosmos } from "../../src/store/cosmosConnection.ts";
import { CosmosStore } from "../../src/store/cosmosStore.ts";
import { keyFileSource } from "../../src/store/keyFile.ts";
import { KeyRing } from "../../src/store/keyRing.ts";
import { SealedStore } from "../../src/store/sealedStore.ts";
import { SqliteDatabase } from "../../src/store/sqliteDatabase.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import type { Store } from "../../src/store/store.ts";
import { issueCertificate } from "../store/peerCertificate.ts";
import { ServedProcess } from "./servedProcess.ts";

/** `embedded` or `azure`. */
export type EnginesName = (typeof enginesNames)[number];
export const enginesNames = ["embedded", "azure"] as const;

export type OpenStore = AsyncDisposable & { readonly store: Store };

export interface BenchEngines extends AsyncDisposable {
  /** By which the program runs on them. */
  readonly settings: Readonly<Record<string, string>>;
  /** Their store past the program, whether it runs or not; it must be closed. */
  openStore(): Promise<OpenStore>;
}

/** @param folder where everything of theirs lies. */
export async function startEngines(name: EnginesName, folder: string): Promise<BenchEngines> {
  return name === "embedded" ? embeddedEngine(folder) : azureStandIns(folder);
}

/** @param folder holds the key, `rp.key`, as soon as the program has run on it. */
export function embeddedEngine(folder: string): BenchEngines {
  return {
    settings: { DATA_DIR: folder },
    openStore: async () => {
      const database = await SqliteDatabase.open({ path: join(folder, "rp.sqlite") });
      const store = new SqliteStore({ database, clock: systemClock });
      return {
        store: await sealed(store, join(folder, "rp.key")),
        [Symbol.asyncDispose]: async () => database.close(),
      };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** One for all stand-ins of this process: connections that are kept trust what they were told first. */
let certificate: ReturnType<typeof issueCertificate> | undefined;

/** Trusted by this process from now on. */
async function trustedCertificate(): ReturnType<typeof issueCertificate> {
  const issued = await issueCertificate();
  setDefaultCACertificates([...getCACertificates("default"), issued.cert]);
  return issued;
}

async function azureStandIns(folder: string): Promise<BenchEngines> {
  certificate ??= trustedCertificate();
  const { cert, key } = await certificate;
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  let told = "";
  const standIns = await ServedProcess.start({
    program: fileURLToPath(new URL("processes/azureStandIns.ts", import.meta.url)),
    args: [certFile, keyFile],
    onLine: (line) => {
      told ||= line;
    },
  });
  const { settings } = JSON.parse(told) as { readonly settings: Readonly<Record<string, string>> };
  const { COSMOSDB_ENDPOINT = "", COSMOSDB_KEY = "", SEALING_KEY_FILE = "" } = settings;
  return {
    settings: {
      ...settings,
      UNANNOUNCED_SUBSCRIPTIONS: "registered",
      NODE_EXTRA_CA_CERTS: certFile,
    },
    openStore: async () => {
      const connection = await openCosmos(
        { endpoint: COSMOSDB_ENDPOINT, key: new AccountKey(COSMOSDB_KEY) },
        { signal: AbortSignal.timeout(30_000) },
      );
      const store = new CosmosStore({
        connection,
        clock: systemClock,
        ids: systemIds,
        random: systemRandom,
      });
      return {
        store: await sealed(store, SEALING_KEY_FILE),
        [Symbol.asyncDispose]: async () => connection[Symbol.dispose](),
      };
    },
    [Symbol.asyncDispose]: async () => standIns[Symbol.asyncDispose](),
  };
}

async function sealed(store: Store, keyFile: string): Promise<Store> {
  const keys = await KeyRing.open({ source: keyFileSource(keyFile), clock: systemClock });
  return new SealedStore({ store, keys, random: systemRandom });
}
