/** 2020-04-30, put together: the first stable api-version. Its parts stand in `convert.ts` and `validate.ts`. */
import visibility from "../../../generated/runtime/2020-04-30/visibility.json" with { type: "json" };
import type { VisibilityTable } from "../../../generated/types/visibility.ts";
import { foldCase } from "../../model/resourceId.ts";
import { defineVersion } from "../defineVersion.ts";
import { regionName } from "../../model/regionName.ts";
import { readGoal, showCluster, showCredentials, showWithSecrets, toCluster } from "./convert.ts";
import { ruleFaults } from "./validate.ts";

export const v20200430 = defineVersion({
  name: "2020-04-30",
  visibility: (visibility as VisibilityTable).resource,
  spellings: {
    location: regionName,
    "properties.clusterProfile.domain": foldCase,
    "properties.clusterProfile.resourceGroupId": foldCase,
    "properties.masterProfile.subnetId": foldCase,
    "properties.workerProfiles[].subnetId": foldCase,
  },
  show: showCluster,
  showWithSecrets,
  showCredentials,
  readGoal,
  toCluster,
  ruleFaults,
});
