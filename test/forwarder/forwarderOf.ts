/** A process that only forwards, and what it has put on the queue. */
import { decodeWorkMessage } from "../../src/model/workMessage.ts";
import type { ReceivedMessage } from "../../src/queue/queue.ts";
import type { Simulation, SimulatedProcess } from "../backend/simulation.ts";

/** A process that only forwards. */
export function forwarderOf(
  simulation: Simulation,
  name = "forwarder",
  decide: SimulatedProcess["faults"]["decide"] = () => undefined,
): SimulatedProcess {
  return simulation.start({ name, backend: false, decide });
}

/** The operations for which there are visible messages. */
export async function queued(simulation: Simulation): Promise<readonly string[]> {
  const messages: ReceivedMessage[] = [];
  for (;;) {
    const received = await simulation.queue.receive({ max: 32, visibilityMs: 1_000_000 });
    if (received.length === 0) break;
    messages.push(...received);
  }
  return messages.map(({ body }) => decodeWorkMessage(body)?.operationId ?? "(unreadable)");
}
