/**
 * Looks once, when a backend starts, at what no cluster can be created without and what its users can't mend: the sign-in to Azure, the
 * zone, and whether the program works. Otherwise the first cluster would find out, and its user be told of it. It must never keep
 * anything waiting, nor fail, nor tell what a sign-in said.
 */
import type { Clock } from "../../runtime/clock.ts";
import { deadlineSignal } from "../../runtime/deadlineSignal.ts";
import type { Log } from "../../runtime/log.ts";
import { InstallProgram, InstallProgramUnusableError } from "./assets/installProgram.ts";
import { PrivateFolder, sweepPrivateFolders } from "./assets/privateFolder.ts";
import type { AzureConnection } from "./azureConnection.ts";
import type { AzureSettings } from "./azureEffects.ts";
import { dnsZoneId } from "./azureInstallerSettings.ts";
import { isNotFound, statusOf } from "./failures/azureErrors.ts";
import { tellFailedSignIn } from "./tellFailedSignIn.ts";

/** Of one look. The program has several hundred MB, which a slow disk has to bring first. */
const lookMs = 2 * 60_000;

export interface OwnFaultsOptions {
  readonly settings: AzureSettings;
  readonly azure: Pick<AzureConnection, "signIn" | "of">;
  readonly clock: Clock;
  readonly log: Pick<Log, "warn" | "error">;
  /** Of the private folder in which the program is run. */
  readonly parentFolder: string;
  /** Aborted when the process stops: what the program has started ends, and nothing is told any more. */
  readonly stop: AbortSignal;
}

/** Logs one line for each thing that is wrong, with the setting that mends it. Never rejects. */
export async function tellOwnFaults(options: OwnFaultsOptions): Promise<void> {
  const { azure, log } = options;
  await Promise.all([
    look(options, tellUnusableProgram),
    tellFailedSignIn(azure, log).then(async (signsIn) =>
      // without a sign-in there is nothing else to say of Azure
      signsIn ? look(options, tellMissingZone) : undefined,
    ),
  ]);
}

async function look(
  options: OwnFaultsOptions,
  tell: (options: OwnFaultsOptions, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { clock, stop } = options;
  using limit = deadlineSignal({
    clock,
    afterMs: lookMs,
    reason: () => new LookTimedOutError(`no answer within ${lookMs / 1_000} s`),
    parents: [stop],
  });
  try {
    await tell(options, limit.signal);
  } catch {
    // what a step needs and can't have for other reasons, such as a full disk, it says itself
  }
}

class LookTimedOutError extends Error {
  override readonly name = "LookTimedOutError";
}

async function tellUnusableProgram(
  { settings, clock, log, parentFolder, stop }: OwnFaultsOptions,
  signal: AbortSignal,
): Promise<void> {
  const path = settings.installProgram;
  // a process that died here has left one, and there may be no create that would remove it
  await sweepPrivateFolders(parentFolder, clock).catch(() => {
    // it may not be listed by us, which is no fault of the program
  });
  try {
    await using folder = await PrivateFolder.make(parentFolder);
    const program = await InstallProgram.prepare({ path, folder, signal });
    await program.checkVersion(undefined);
  } catch (error) {
    if (stop.aborted) return;
    if (error instanceof LookTimedOutError) {
      log.error(
        {},
        `${noCluster} OPENSHIFT_INSTALL: the program ${path} does not end: ${error.message}.`,
      );
    } else if (error instanceof InstallProgramUnusableError) {
      log.error({}, `${noCluster} ${(error.cause as Error).message}.`);
    } else throw error;
  }
}

const noCluster = "No cluster can be created:";

async function tellMissingZone(
  { settings: { dnsZone }, azure, log }: OwnFaultsOptions,
  signal: AbortSignal,
): Promise<void> {
  const id = dnsZoneId(dnsZone);
  const { zones } = azure.of(dnsZone.subscriptionId).dns;
  try {
    await zones.get(dnsZone.resourceGroup, dnsZone.name, { abortSignal: signal });
  } catch (error) {
    if (isNotFound(error)) {
      log.error(
        {},
        `${noCluster} there is no DNS zone ${id}. Create it, or set AZURE_DNS_ZONE_ID to the id of one that is there.`,
      );
    } else if (statusOf(error) === 401 || statusOf(error) === 403) {
      log.error(
        {},
        `${noCluster} Azure does not let the resource provider into the DNS zone ${id} of AZURE_DNS_ZONE_ID (${statusOf(error)}). ` +
          "Assign it the role there that README.md tells of under 'Install real clusters', 'Who may do what'.",
      );
    } else throw error;
  }
}
