/**
 * The settings of the local installer: which names of steps there are, so that one that is no step's is refused before anything is
 * opened. Pure; it must never know what a step does, nor read the environment itself.
 */

/** Of all steps, those of a create first. They are stored in documents, so none must change. */
export const localStepNames = [
  "ChooseNames",
  "GenerateAssets",
  "CreateStorageAccount",
  "CopyImage",
  "UploadIgnition",
  "DeployNetwork",
  "DeployControlPlane",
  "CreateApiRecord",
  "WaitForBootstrap",
  "RemoveBootstrapMachine",
  "WaitForClusterVersion",
  "StoreCredentials",
  "SetWorkerCounts",
  "WaitForWorkers",
  "DeleteApiRecord",
  "DeleteResources",
  "DeleteStorage",
] as const;
