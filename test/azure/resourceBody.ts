/** What a request says of a resource, read from its JSON. It must check no more than that it is an object: kinds differ. */
import { AzureError } from "./azureService.ts";

/** What a request or a template says of a resource. */
export interface ResourceBody {
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly managedBy?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
}

/**
 * The JSON of a request.
 *
 * @throws {AzureError} when it isn't any.
 */
export function parseBody(body: Buffer): ResourceBody {
  try {
    const parsed: unknown = JSON.parse(body.toString());
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
      return parsed as ResourceBody;
    }
  } catch {
    // answered below
  }
  throw new AzureError(
    400,
    "InvalidRequestContent",
    "The request content was invalid and could not be deserialized.",
  );
}
