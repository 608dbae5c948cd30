/** The name of the queue that the program uses, for the tests of the deployment. */

export const operationsQueue = "openshift-cluster-operations";
