/**
 * What Azure's error codes mean for an installation: the one table from a code of Azure to a kind, and from a kind to what becomes
 * of the operation. Pure; it must never hold a text that shows something of the resource provider's own.
 */
import type { ErrorCode } from "../../../model/errorCodes.ts";

/** One error of Azure, without what it was wrapped in. */
export interface AzureError {
  readonly code: string;
  readonly message: string;
  /** Of HTTP, as the answer or the error around it says. */
  readonly status?: number;
  /** Told by a deployment of something that it was to make. */
  readonly inDeployment: boolean;
  /** No answer came. */
  readonly isLost?: boolean;
}

/** What ends an operation, at once or when it hasn't gone away in a while. */
export interface Ending {
  readonly code: ErrorCode;
  /** What the user can do. */
  readonly advice: string;
  /** From the step's first start; trying again may help so long. */
  readonly patienceMs?: number;
}

const minuteMs = 60_000;
/** Until a role assignment, or a new principal, is known everywhere. */
const propagationMs = 10 * minuteMs;

/** Kinds of failures that the user has to do something about, those that are certain first. */
export const endings = {
  quota: {
    code: "QuotaExceeded",
    advice:
      "A quota of the subscription does not suffice: request a higher one, or ask for fewer workers, or delete the cluster and create it with smaller machines.",
  },
  policy: {
    code: "RequestDisallowedByPolicy",
    advice:
      "A policy forbids what the cluster needs: exempt its managed resource group, or change the policy.",
  },
  sku: {
    code: "SkuNotAvailable",
    advice:
      "The subscription cannot use this in the region: delete the cluster and create it with another size or in another region.",
  },
  registration: {
    code: "ResourceProviderNotRegistered",
    advice: "Register the resource provider that Azure names in the subscription.",
  },
  subscription: {
    code: "InvalidSubscriptionState",
    advice: "The subscription's state forbids it: enable the subscription.",
  },
  lock: {
    code: "InstallationFailed",
    advice: "A lock forbids it: remove the lock, then try again.",
  },
  inUse: {
    code: "InstallationFailed",
    advice: "Something outside of the cluster still refers to this: remove the reference.",
    patienceMs: 30 * minuteMs,
  },
  permission: {
    code: "AuthorizationFailed",
    advice:
      "A permission is missing: grant the role that the documentation asks for on what Azure names.",
    patienceMs: propagationMs,
  },
  principal: {
    code: "DeploymentFailed",
    advice: "An identity that the cluster needs is not in the directory of the subscription.",
    patienceMs: propagationMs,
  },
  capacity: {
    code: "CapacityUnavailable",
    advice:
      "Azure has no room for machines of this size in the region at present: try again later, or delete the cluster and create it with another size or in another region.",
    patienceMs: 30 * minuteMs,
  },
  deployment: { code: "DeploymentFailed", advice: "Azure could not make what the cluster needs." },
  refused: { code: "InstallationFailed", advice: "Azure refused a request." },
} as const satisfies Record<string, Ending>;

/** How long to wait at least until the step is begun again, when nothing says it. */
export const waits = {
  /** Something else is being done to the same thing. */
  busy: 15_000,
  throttled: 30_000,
  /** A storage account refuses the key that it had a moment ago. */
  key: 5_000,
} as const;

/**
 * - kinds of `endings` and `waits`;
 * - `unavailable`: Azure's fault, or that of the moment: to be tried again, and the attempts count;
 * - `ours`: the resource provider's own credential is refused.
 */
export type FailureKind = keyof typeof endings | keyof typeof waits | "unavailable" | "ours";

interface Row {
  /** Whole. */
  readonly codes?: readonly string[];
  /** Or its form. */
  readonly form?: RegExp;
  /** What the message must say as well. */
  readonly says?: RegExp;
  /** What the answer's status must be as well. */
  readonly status?: number;
  readonly kind: FailureKind;
}

/** The first row that fits counts. */
const rows: readonly Row[] = [
  {
    codes: ["OperationNotAllowed"],
    says: /too many requests/i,
    kind: "throttled",
  },
  { codes: ["OperationNotAllowed"], says: /quota/i, kind: "quota" },
  { codes: ["OperationNotAllowed"], says: /in progress|being deleted/i, kind: "busy" },
  {
    codes: [
      "QuotaExceeded",
      "SubscriptionQuotaExceeded",
      "ResourceGroupQuotaExceeded",
      "ResourceCountExceedsLimitDueToTemplate",
      "RoleAssignmentLimitExceeded",
      "MaxStorageAccountsCountPerSubscriptionExceeded",
    ],
    kind: "quota",
  },
  { form: /(CountLimitReached|LimitReached|QuotaExceeded)$/, kind: "quota" },
  {
    codes: [
      "RequestDisallowedByPolicy",
      "RequestDisallowedByAzure",
      "PolicyViolation",
      "KeyBasedAuthenticationNotPermitted",
    ],
    kind: "policy",
  },
  {
    codes: [
      "SkuNotAvailable",
      "NotAvailableForSubscription",
      "LocationNotAvailableForResourceType",
      "LocationNotAvailableForResourceGroup",
      "AvailabilityZoneNotSupported",
      "ResourceTypeNotSupportAvailabilityZones",
      "VMSizeDoesntSupportPremiumStorage",
    ],
    kind: "sku",
  },
  { codes: ["InvalidParameter"], says: /VM size .{1,100} is not available/i, kind: "sku" },
  {
    codes: ["MissingSubscriptionRegistration", "SubscriptionNotRegistered"],
    kind: "registration",
  },
  {
    codes: ["ReadOnlyDisabledSubscription", "DisallowedProvider", "SubscriptionNotFound"],
    kind: "subscription",
  },
  { codes: ["ScopeLocked"], kind: "lock" },
  {
    codes: [
      "AllocationFailed",
      "ZonalAllocationFailed",
      "OverconstrainedAllocationRequest",
      "OverconstrainedZonalAllocationRequest",
    ],
    kind: "capacity",
  },
  {
    codes: ["AuthorizationFailed", "LinkedAuthorizationFailed", "LinkedAccessCheckFailed"],
    kind: "permission",
  },
  { codes: ["PrincipalNotFound"], kind: "principal" },
  // of the blob service; ARM says the same of a token, with another status
  { codes: ["AuthenticationFailed"], status: 403, kind: "key" },
  {
    codes: [
      "TooManyRequests",
      "ResourceRequestsThrottled",
      "SubscriptionRequestsThrottled",
      "TenantRequestsThrottled",
      "ServerBusy",
    ],
    kind: "throttled",
  },
  {
    codes: [
      "AnotherOperationInProgress",
      "RetryableError",
      "RetryableErrorDueToAnotherOperation",
      "CanceledAndSupersededDueToAnotherOperation",
      "OperationPreempted",
      "DeploymentActive",
      "DeploymentBeingDeleted",
      "ResourceGroupBeingDeleted",
      "ResourceGroupDeletionBlocked",
      "ReferencedResourceNotProvisioned",
      "StorageAccountOperationInProgress",
      "StorageAccountIsNotProvisioned",
      "AccountIsBeingCreated",
      "AccountBeingCreated",
      "ContainerBeingDeleted",
      "PendingCopyOperation",
      "NicReservedForAnotherVm",
    ],
    kind: "busy",
  },
  {
    codes: ["Conflict"],
    says: /another operation|in progress|being (updated|deleted|created)|retry/i,
    kind: "busy",
  },
  { form: /^InUse|CannotBeDeleted$|CannotDelete$|InUseBy/, kind: "inUse" },
  {
    form: /^(Internal|Networking?Internal|Service ?Unavailable|GatewayTimeout|BadGateway)|(Timeout|TimedOut)$/i,
    kind: "unavailable",
  },
  {
    // what is told of a resource that failed without a reason
    codes: ["ResourceDeploymentFailure", "ResourceOperationFailure", "OSProvisioningClientError"],
    kind: "unavailable",
  },
  // of an image that is made: before the next try its blob is looked for and copied anew
  {
    codes: ["InvalidParameter"],
    says: /source blob .{1,300} is not accessible/i,
    kind: "unavailable",
  },
];

/** Whether the table has the code. */
export function isKnown(error: AzureError): boolean {
  return rows.some((row) => fits(row, error));
}

export function kindOf(error: AzureError): FailureKind {
  return rows.find((row) => fits(row, error))?.kind ?? kindOfUnknown(error);
}

/** By its status, as far as there is one. */
function kindOfUnknown({ status, inDeployment }: AzureError): FailureKind {
  const terminal = inDeployment ? "deployment" : "refused";
  if (status === undefined) return terminal;
  if (status === 429) return "throttled";
  if (status >= 500 || status === 408) return "unavailable";
  // what a deployment tells of isn't about who asked for it
  if (status === 401 || status === 403) return inDeployment ? terminal : "ours";
  // what isn't there yet, or any more, everywhere; and what somebody changes at the same time
  if (status === 404 || status === 409 || status === 412) return "unavailable";
  return terminal;
}

function fits({ codes, form, says, status }: Row, error: AzureError): boolean {
  const { code, message } = error;
  if (codes !== undefined && !codes.includes(code)) return false;
  if (status !== undefined && error.status !== status) return false;
  if (form !== undefined && !form.test(code)) return false;
  return says === undefined || says.test(message);
}
