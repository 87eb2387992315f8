import { useSyncExternalStore } from "react";

import { type EventLog, summary } from "./eventLog";

/** The line below the answer of a subscription: how many events have come, and when the last one did. */
export function EventCount({ log }: { log: EventLog }) {
  const events = useSyncExternalStore(log.subscribe, log.read);
  return events && <output className="events">{summary(events)}</output>;
}
