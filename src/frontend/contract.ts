/**
 * The whole contract: one document per api-version, and that of what ARM itself calls. It finds the document that a request
 * means, by its path and its `api-version`; the rest is the document's own.
 */
import { readFileSync } from "node:fs";
import type { Document } from "openapi-backend";
import { foldCase } from "../model/resourceId.ts";
import { RpError } from "../model/rpError.ts";
import type { ApiVersion } from "../versions/apiVersion.ts";
import type { ArmExchange, Exchange, ServedVersion } from "./exchange.ts";
import { shown } from "../model/shownText.ts";
import { isArmPath, pathFaults, type RequestPath } from "../listener/requestPath.ts";
import { notFound, ServedDocument, type Handlers, type ServedOperation } from "./servedDocument.ts";

/** What a request asks for. */
export type Route = ServedOperation;

interface Version {
  readonly version: ApiVersion;
  readonly document: ServedDocument<Exchange>;
}

/** How ARM marks its notifications (ARM-15). */
const notificationVersion = "2.0";
/** Of any call of its own: not ours to say which. */
const anyVersion = /^(\d{4}-\d{2}-\d{2}(-[a-z]+)?|\d+\.\d+)$/i;
const clusterWrite = "OpenShiftClusters_CreateOrUpdate";

const generated = new URL("../../generated/", import.meta.url);

export class Contract {
  readonly #versions: ReadonlyMap<string, Version>;
  readonly #arm: ServedDocument<ArmExchange>;

  private constructor(versions: ReadonlyMap<string, Version>, arm: ServedDocument<ArmExchange>) {
    this.#versions = versions;
    this.#arm = arm;
  }

  /**
   * Loads the documents.
   *
   * @throws {Error} when one is missing, or names an operation without a handler.
   */
  static async load(
    versions: readonly ApiVersion[],
    handlers: {
      readonly versions: Handlers<Exchange>;
      readonly arm: Handlers<ArmExchange>;
    },
  ): Promise<Contract> {
    const served = new Map<string, Version>();
    for (const version of versions) {
      const document = await ServedDocument.load(
        read(`runtime/${version.name}/openapi.json`),
        handlers.versions,
        (exchange) => ({ ...exchange, version }),
      );
      served.set(foldCase(version.name), { version, document });
    }
    const servedVersion = (name: string): ServedVersion | undefined => {
      const found = served.get(foldCase(name));
      return found === undefined
        ? undefined
        : {
            version: found.version,
            schemaFaults: (body) => found.document.bodyFaults(clusterWrite, body),
          };
    };
    const servedVersions = versions.map(({ name }) => name);
    const arm = await ServedDocument.load(read("arm/openapi.json"), handlers.arm, (exchange) => ({
      ...exchange,
      servedVersion,
      servedVersions,
    }));
    return new Contract(served, arm);
  }

  /**
   * Finds what a request asks for.
   *
   * @throws {RpError} `NotFound`, `MethodNotAllowed`, an `…ApiVersionParameter` or everything wrong with the path's names.
   */
  route(method: string, path: RequestPath): Route {
    if (!isArmPath(path)) throw notFound(path);
    const asked = askedVersion(path, () => this.#supported(path));
    const served = this.#arm.has(path) ? this.#armDocument(path, asked) : this.#version(asked);
    const faults = pathFaults(path.segments, path.names);
    if (faults.length > 0) throw RpError.ofFaults(faults);
    if (!served.has(path)) throw this.#notInVersion(path, asked);
    return served.find(method, path, asked);
  }

  /** The answer to a path that the version lacks; it says what to use if another version has it. */
  #notInVersion(path: RequestPath, asked: string): RpError {
    const here = this.#version(asked);
    for (const { document } of this.#versions.values()) {
      const instead = here.insteadOf(path, document);
      if (instead === undefined) continue;
      return new RpError({
        code: "NotFound",
        message: `The route '${shown(path.path)}' is not in api-version ${asked}; use ${instead}.`,
      });
    }
    return notFound(path);
  }

  #supported(path: RequestPath): string {
    if (!this.#arm.has(path)) {
      return [...this.#versions.values()].map(({ version }) => version.name).join(", ");
    }
    return isNotification(path) ? notificationVersion : "any of ARM's";
  }

  #armDocument(path: RequestPath, asked: string): ServedDocument<ArmExchange> {
    const fits = isNotification(path) ? asked === notificationVersion : anyVersion.test(asked);
    if (!fits) throw unsupported(asked, this.#supported(path));
    return this.#arm;
  }

  #version(asked: string): ServedDocument<Exchange> {
    const found = this.#versions.get(foldCase(asked));
    if (found === undefined) {
      const names = [...this.#versions.values()].map(({ version }) => version.name);
      throw unsupported(asked, names.join(", "));
    }
    return found.document;
  }
}

/** `/subscriptions/{id}` alone. */
function isNotification({ segments }: RequestPath): boolean {
  return segments.length === 2;
}

/** The api-version that a request asks for, for logs and metrics: cut short, and whether it is served or not. */
export function notedVersion({ apiVersions }: RequestPath): string | undefined {
  const asked = apiVersions.join(", ");
  return asked === "" ? undefined : shown(asked);
}

/** @throws {RpError} when there is none, or more than one. */
function askedVersion({ apiVersions }: RequestPath, supported: () => string): string {
  const [asked = ""] = apiVersions;
  if (apiVersions.length > 1) throw unsupported(apiVersions.join(", "), supported());
  if (asked !== "") return asked;
  throw new RpError({
    code: "MissingApiVersionParameter",
    message: `The query needs an api-version. Supported: ${supported()}.`,
    target: "api-version",
  });
}

function unsupported(asked: string, supported: string): RpError {
  return new RpError({
    code: "InvalidApiVersionParameter",
    message: `The api-version '${shown(asked)}' is not supported. Supported: ${supported}.`,
    target: "api-version",
  });
}

function read(path: string): Document {
  return JSON.parse(readFileSync(new URL(path, generated), "utf8")) as Document;
}
