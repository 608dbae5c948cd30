/** 2019-12-31-preview, put together: the seed's api-version. Its parts stand in `convert.ts` and `validate.ts`. */
import visibility from "../../../generated/runtime/2019-12-31-preview/visibility.json" with { type: "json" };
import type { VisibilityTable } from "../../../generated/types/visibility.ts";
import { defineVersion } from "../defineVersion.ts";
import { regionName } from "../../model/regionName.ts";
import { readGoal, showCluster, showCredentials, showWithSecrets, toCluster } from "./convert.ts";
import { ruleFaults } from "./validate.ts";

export const v20191231preview = defineVersion({
  name: "2019-12-31-preview",
  visibility: (visibility as VisibilityTable).resource,
  spellings: { location: regionName },
  show: showCluster,
  showWithSecrets,
  showCredentials,
  readGoal,
  toCluster,
  ruleFaults,
});
