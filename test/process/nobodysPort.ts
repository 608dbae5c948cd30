/**
 * A port of this machine on which nobody listens, for tests of refused connections. It must be none that was free a moment ago:
 * the system may give such a one to whoever opens the next connection.
 */

/** No program gets one so low by chance, no service has it, and `fetch` connects to it. */
export const nobodysPort = 2;
