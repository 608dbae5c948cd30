/** What this process does, and whether it takes work. The process stays in any case: one that ended would be started again. */
import { RpError } from "../../model/rpError.ts";
import type { AdminHandler } from "../exchange.ts";

export const showProcess: AdminHandler = async ({ services }) => ({
  status: 200,
  body: services.process.status(),
});

export const drainProcess: AdminHandler = async ({ services }) => {
  services.process.drain();
  return { status: 202, body: services.process.status() };
};

export const undrainProcess: AdminHandler = async ({ services }) => {
  if (services.process.undrain()) return { status: 200, body: services.process.status() };
  const { state, workersBusy } = services.process.status();
  throw new RpError(
    {
      code: "Conflict",
      message:
        state === "stopping"
          ? "The process was told to end."
          : `The process still comes to rest, with ${workersBusy} clusters in hand; try again when it is drained.`,
    },
    { retryAfterSeconds: 1 },
  );
};
