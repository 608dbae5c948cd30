/**
 * Opens the queue: the only place that loads the SDK, and only when Azure Storage was selected, because loading takes a third of a
 * second and 40 MB. It checks that all that the program does with the queue is allowed, and takes the SDK's own retries and its
 * reading of foreign answers out of the way. It must never create the queue: the deployment does.
 */
import type {
  QueueClient,
  RequestPolicyFactory,
  StorageSharedKeyCredential,
} from "@azure/storage-queue";
import type { DefaultAzureCredential } from "@azure/identity";
import { attemptLimitMs } from "./storageQueueCalls.ts";
import { failedAnswer, failureFrom, StorageQueueFailure } from "./storageQueueFailure.ts";
import type { StorageQueueSettings } from "./storageQueueSettings.ts";
import { untilAborted } from "../runtime/deadlineSignal.ts";

/** Made by the deployment, and looked at by what scales the backends. */
export const queueName = "openshift-cluster-operations";

/**
 * The trial message is hidden for nearly all of its life, so that even one whose sender died before it was removed is hardly ever
 * received.
 */
const trial = {
  text: Buffer.from("a trial of openshift-rp, gone within a minute").toString("base64"),
  lifeS: 60,
  hiddenS: 50,
};

/** @param text of a message as it lies in the queue. */
export function isTrial(text: string): boolean {
  return text === trial.text;
}

/** The queue as it was opened; there is nothing to close. */
export interface StorageQueueConnection {
  /** The SDK's, but every failure is a `StorageQueueFailure`. */
  readonly client: QueueClient;
}

/** The queue can't be used; the message says why, for whoever runs the program. */
export class StorageQueueOpenError extends Error {
  override readonly name = "StorageQueueOpenError";
  /** The service itself says that it can't serve just now: to open it again may help. */
  readonly isPassing: boolean;

  constructor(message: string, options: { readonly isPassing: boolean }) {
    super(message);
    this.isPassing = options.isPassing;
  }
}

/**
 * @param options.signal the limit of it all.
 * @param options.name another name than the usual one, for tests that share an account.
 * @throws {StorageQueueOpenError}
 * @throws the signal's reason.
 */
export async function openStorageQueue(
  settings: StorageQueueSettings,
  options: { readonly signal: AbortSignal; readonly name?: string },
): Promise<StorageQueueConnection> {
  const { name = queueName, signal } = options;
  signal.throwIfAborted();
  const sdk = await import("@azure/storage-queue");
  try {
    const pipeline = sdk.newPipeline(await signIn(settings), {
      retryOptions: { maxTries: 1, tryTimeoutInMs: attemptLimitMs },
    });
    pipeline.factories.push(ownFailures);
    const client = new sdk.QueueClient(`${settings.endpoint}/${name}`, pipeline);
    await untilAborted(signal, async () => tryOut(client, signal));
    return { client };
  } catch (error) {
    signal.throwIfAborted();
    const { kind, code, message } = failureFrom(error);
    const hint = code === undefined ? undefined : hints[code];
    throw new StorageQueueOpenError(
      `the queue ${name} of Azure Storage cannot be used: ${message}` +
        (hint === undefined ? "" : `; ${hint}`),
      { isPassing: code !== undefined && (kind === "putOff" || kind === "unanswered") },
    );
  }
}

/** What to do about it, by the service's code. */
const hints: Readonly<Record<string, string>> = {
  QueueNotFound: "the deployment must create it",
  AuthenticationFailed: "look at the key, and at the clock of this machine",
  AuthorizationPermissionMismatch:
    "the role Storage Queue Data Contributor is needed, and takes some minutes to come into force",
  AuthorizationFailure: "the account's network rules or settings don't allow it",
  KeyBasedAuthenticationNotPermitted: "the account takes no keys: leave the key out, for Entra",
};

async function signIn({
  sharedKey,
}: StorageQueueSettings): Promise<StorageSharedKeyCredential | DefaultAzureCredential> {
  if (sharedKey !== undefined) {
    const { StorageSharedKeyCredential } = await import("@azure/storage-queue");
    return new StorageSharedKeyCredential(sharedKey.account, sharedKey.key.reveal());
  }
  const { DefaultAzureCredential } = await import("@azure/identity");
  return new DefaultAzureCredential();
}

/** Does once what the program will do: a role may allow any one of these without the others. */
async function tryOut(client: QueueClient, abortSignal: AbortSignal): Promise<void> {
  const { text, lifeS, hiddenS } = trial;
  await client.peekMessages({ numberOfMessages: 1, abortSignal });
  const { messageId, popReceipt } = await client.sendMessage(text, {
    messageTimeToLive: lifeS,
    visibilityTimeout: hiddenS,
    abortSignal,
  });
  const updated = await client.updateMessage(messageId, popReceipt, undefined, hiddenS, {
    abortSignal,
  });
  await client.deleteMessage(messageId, updated.popReceipt ?? popReceipt, { abortSignal });
}

/**
 * Tells every failure in our own words before the SDK looks at it. The SDK resends by its own taste, also what must not be
 * resent (hence `maxTries`); its errors carry the request; it throws something without a status when a failed answer holds no
 * XML; and it takes any page with a status 200 for an empty queue.
 */
const ownFailures: RequestPolicyFactory = {
  create: (next) => ({
    sendRequest: async (request) => {
      let response: Awaited<ReturnType<typeof next.sendRequest>>;
      try {
        response = await next.sendRequest(request);
      } catch (error) {
        throw failureFrom(error);
      }
      if (response.status < 200 || response.status >= 400) {
        throw failedAnswer(response.status, response.headers);
      }
      // every GET of ours asks for messages, or for how many there are
      const isForeign =
        response.status >= 300 ||
        (request.method === "GET" &&
          !isMessageList(response.bodyAsText ?? "") &&
          response.headers.get("x-ms-approximate-messages-count") === undefined);
      if (isForeign) {
        throw new StorageQueueFailure("unanswered", "the answer is none of Azure Storage");
      }
      return response;
    },
  }),
};

function isMessageList(text: string): boolean {
  return /<QueueMessagesList\s*\/>\s*$|<QueueMessagesList\s*>.*<\/QueueMessagesList>\s*$/s.test(
    text,
  );
}
