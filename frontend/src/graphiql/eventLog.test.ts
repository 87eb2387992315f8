import { describe, expect, it } from "vitest";

import { createEventLog, summary } from "./eventLog";

const NOON = new Date(2026, 10, 28, 12, 0, 5);

/** What stands below the answer. */
function shown(log: ReturnType<typeof createEventLog>): string | null {
  const events = log.read();
  return events && summary(events);
}

describe("the log of events", () => {
  it("counts what a subscription brings until it ends", () => {
    const log = createEventLog();
    const seen: (string | null)[] = [];
    const leave = log.subscribe(() => seen.push(shown(log)));

    const bids = log.open("Bids");
    bids.count(NOON);
    bids.count(NOON);
    bids.close();
    log.clear();
    leave();
    log.open("Others");

    const at = NOON.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    expect(seen).toEqual([
      "Bids: no event",
      `Bids: 1 event, the last at ${at}`,
      `Bids: 2 events, the last at ${at}`,
      `Bids: 2 events, the last at ${at}; ended`,
      null,
    ]);
  });

  it("counts nothing of a subscription that is no longer the newest", () => {
    const log = createEventLog();
    const old = log.open("Old");
    log.open("New");

    old.count(NOON);
    old.close();

    expect(shown(log)).toBe("New: no event");
  });

  it("stays empty when what is cleared goes on", () => {
    const log = createEventLog();
    const old = log.open("Old");

    log.clear();
    old.count(NOON);

    expect(shown(log)).toBeNull();
  });
});
