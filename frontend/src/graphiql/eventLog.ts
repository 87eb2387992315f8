/** What a subscription has brought so far. */
export interface Events {
  readonly operationName: string;
  readonly count: number;
  readonly lastAt: Date | null;
  readonly isOpen: boolean;
}

/** Counts the events of the newest subscription, since GraphiQL shows only the newest of them. */
export interface EventLog {
  /** Null while none was opened since the last `clear`. */
  read(): Events | null;
  clear(): void;
  open(operationName: string): EventCounter;
  subscribe(listener: () => void): () => void;
}

/** Of one subscription; without effect once another one is the newest. */
export interface EventCounter {
  count(at: Date): void;
  close(): void;
}

export function createEventLog(): EventLog {
  const listeners = new Set<() => void>();
  let events: Events | null = null;
  let newest: EventCounter | null = null;

  function change(next: Events | null): void {
    events = next;
    for (const listener of listeners) listener();
  }

  return {
    read: () => events,
    clear() {
      newest = null;
      change(null);
    },
    open(operationName) {
      const counter: EventCounter = {
        count: (at) => update((before) => ({ ...before, count: before.count + 1, lastAt: at })),
        close: () => update((before) => ({ ...before, isOpen: false })),
      };
      const update = (to: (before: Events) => Events) => {
        if (newest === counter && events) change(to(events));
      };
      newest = counter;
      change({ operationName, count: 0, lastAt: null, isOpen: true });
      return counter;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** As a line to show. */
export function summary({ operationName, count, lastAt, isOpen }: Events): string {
  const brought = lastAt === null ? "no event" : `${counted(count)}, the last at ${clock(lastAt)}`;
  return `${operationName}: ${brought}${isOpen ? "" : "; ended"}`;
}

function counted(count: number): string {
  return count === 1 ? "1 event" : `${count} events`;
}

function clock(time: Date): string {
  return time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
