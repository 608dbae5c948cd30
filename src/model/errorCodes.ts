/**
 * The catalogue of ARM error codes: every code a caller can ever see in `error.code`, with its HTTP status.
 * It is the only place where a code is spelled; a test holds it against the table in README.md. It must never
 * gain a code that nothing raises.
 *
 * Source of the shape: ARM-92 (PascalCase, stable), list in `Error codes` of the ARM resource provider contract.
 */

/** One row: the status that goes with the code, and when it is used, in a sentence for the README. */
export interface ErrorCodeRow {
  readonly status: number;
  readonly meaning: string;
}

export const errorCodes = {
  MissingApiVersionParameter: { status: 400, meaning: "The query has no `api-version`." },
  InvalidApiVersionParameter: {
    status: 400,
    meaning: "The `api-version` is not one of those served; the message lists them.",
  },
  InvalidUri: { status: 400, meaning: "The path has a malformed percent-escape." },
  InvalidHttpRequest: {
    status: 400,
    meaning: "The request is not well-formed HTTP; nothing of it was read.",
  },
  InvalidSubscriptionID: {
    status: 400,
    meaning: "The subscription id in the path is not a GUID of the form 8-4-4-4-12.",
  },
  InvalidResourceGroupName: {
    status: 400,
    meaning: "The resource group name in the path is not one that ARM allows.",
  },
  InvalidResourceNamespace: {
    status: 400,
    meaning: "The namespace in the path is not `RedHat.OpenShift`.",
  },
  InvalidResourceType: {
    status: 400,
    meaning: "The resource type is not `OpenShiftClusters`.",
  },
  InvalidResourceName: {
    status: 400,
    meaning: "The cluster name is not a DNS label of at most 54 characters.",
  },
  InvalidRequestContent: {
    status: 400,
    meaning: "The body is not readable JSON, has a member of the wrong type, or an unknown one.",
  },
  InvalidParameter: {
    status: 400,
    meaning: "A value is missing, out of range, or breaks a rule; `target` is its JSON path.",
  },
  PropertyChangeNotAllowed: {
    status: 400,
    meaning: "The request changes a member that can only be set at creation.",
  },
  MismatchingResourceID: { status: 400, meaning: "`id` in the body differs from the URL." },
  MismatchingResourceName: { status: 400, meaning: "`name` in the body differs from the URL." },
  MismatchingResourceType: { status: 400, meaning: "`type` in the body differs from the URL." },
  Forbidden: {
    status: 403,
    meaning:
      "The caller may not call here: its client certificate is missing or not the right one, or without authentication it is a web page.",
  },
  NotFound: { status: 404, meaning: "No such route, or no such operation." },
  ResourceNotFound: { status: 404, meaning: "The cluster does not exist." },
  MethodNotAllowed: {
    status: 405,
    meaning: "The route exists, but not with this method; `Allow` lists those it has.",
  },
  RequestTimeout: { status: 408, meaning: "The request did not arrive in time." },
  Conflict: {
    status: 409,
    meaning: "The state of the cluster forbids the request now, mostly because an operation runs.",
  },
  InvalidSubscriptionState: {
    status: 409,
    meaning: "The state of the subscription forbids the request.",
  },
  OperationCanceled: { status: 409, meaning: "The operation was canceled by a later DELETE." },
  PreconditionFailed: { status: 412, meaning: "`If-Match` or `If-None-Match` does not hold." },
  RequestEntityTooLarge: {
    status: 413,
    meaning: "The body is larger than `BODY_LIMIT_BYTES`, packed or unpacked.",
  },
  RequestUriTooLong: { status: 414, meaning: "The target is longer than `URI_LIMIT_BYTES`." },
  UnsupportedMediaType: {
    status: 415,
    meaning:
      "The body is not `application/json`; a PATCH may also be `application/merge-patch+json`.",
  },
  TooManyRequests: {
    status: 429,
    meaning:
      "Too many requests of the subscription are under way, or their bodies are too much; try again after `Retry-After` seconds.",
  },
  RequestHeaderFieldsTooLarge: {
    status: 431,
    meaning: "The headers are larger, or more, than the limits.",
  },
  InternalServerError: {
    status: 500,
    meaning: "A fault of the resource provider; the request id finds its cause in the log.",
  },
  ServiceUnavailable: {
    status: 503,
    meaning:
      "A dependency is down or throttles, or there is too much to do at once; try again after `Retry-After` seconds.",
  },
  TooManyOperations: {
    status: 503,
    meaning:
      "So many operations are under way that no create or update may begin; try again after `Retry-After` seconds. Reads and DELETE go on.",
  },
  DocumentTooNew: {
    status: 503,
    meaning:
      "The cluster, operation or subscription was written by a newer release than this one; try again when it is updated.",
  },
  SealingKeyUnknown: {
    status: 503,
    meaning:
      "The cluster's secrets are sealed by a key that the resource provider doesn't have; the message names it, for its operator.",
  },
  InstallationFailed: {
    status: 409,
    meaning: "The operation failed for the reason in the message.",
  },
  TooManyAttempts: {
    status: 409,
    meaning:
      "The operation made no progress in several attempts; the last cause is in the message.",
  },
  StepTimedOut: {
    status: 409,
    meaning: "A step of the operation did not end within its deadline.",
  },
  InvalidServicePrincipalCredentials: {
    status: 409,
    meaning: "The cluster's service principal is missing or can't sign in; the message says why.",
  },
  OpenShiftVersionNotAvailable: {
    status: 409,
    meaning:
      "The version of OpenShift that was asked for can't be installed; the message names the one that can.",
  },
  QuotaExceeded: {
    status: 409,
    meaning:
      "A quota of the subscription does not suffice for the cluster; the message has Azure's own.",
  },
  RequestDisallowedByPolicy: {
    status: 409,
    meaning: "A policy of the subscription forbids what the cluster needs; the message names it.",
  },
  SkuNotAvailable: {
    status: 409,
    meaning: "The subscription cannot use a machine size, or a kind of resource, in the region.",
  },
  CapacityUnavailable: {
    status: 409,
    meaning: "Azure had no room for the machines in the region for half an hour.",
  },
  AuthorizationFailed: {
    status: 409,
    meaning:
      "A permission in the subscription is missing; the message has Azure's own, which names it.",
  },
  ResourceProviderNotRegistered: {
    status: 409,
    meaning: "The subscription has not registered a resource provider that the cluster needs.",
  },
  DeploymentFailed: {
    status: 409,
    meaning: "Azure could not make what the cluster needs; the message has Azure's own.",
  },
  ClusterResourceGroupAlreadyExists: {
    status: 409,
    meaning: "The resource group for what is made exists and was not made for this cluster.",
  },
  DnsRecordExists: {
    status: 409,
    meaning: "A DNS record that the cluster needs exists and was not made for it.",
  },
  InvalidSubnet: {
    status: 409,
    meaning: "A given subnet cannot be used; the message says why.",
  },
} as const satisfies Record<string, ErrorCodeRow>;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof errorCodes;
