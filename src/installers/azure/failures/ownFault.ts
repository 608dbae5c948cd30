/**
 * The words by which users tell a fault of the resource provider's own from one of their cluster. They must never say which one it
 * is: that is in the log, for who can mend it.
 */
export const ownFault = "its operator has to look: this is no fault of the cluster's.";
