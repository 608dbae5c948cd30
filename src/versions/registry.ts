/**
 * The api-versions that are served. To add one: copy the folder of its neighbour, add the version in `spec/`, generate,
 * and add one line here. Whoever needs a version takes it from this list; nothing else names one.
 */
import type { ApiVersion } from "./apiVersion.ts";
import { v20191231preview } from "./v20191231preview/version.ts";
import { v20200430 } from "./v20200430/version.ts";

/** Oldest first. */
export const apiVersions: readonly ApiVersion[] = [v20191231preview, v20200430];
