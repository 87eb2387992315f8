"""Deliveries of events: the queue as rows, so that a restart loses none.

Source: https://docs.stripe.com/webhooks (retry behaviour: up to three days, with growing pauses)
"""

import sqlite3
from dataclasses import dataclass

from fake_stripe.store import Store

GIVE_UP_AFTER_S = 3 * 86_400


@dataclass(frozen=True)
class BackOff:
    """Pauses between attempts: the first, then doubling up to the cap."""

    first_s: float
    cap_s: float

    def pause(self, attempts: int) -> float:
        """How long to wait after this many attempts (at least one) have failed."""
        doublings = min(attempts - 1, 30)  # beyond that only the cap counts, and floats stay small
        return min(self.cap_s, self.first_s * 2.0**doublings)


@dataclass(frozen=True)
class Delivery:
    """One event on its way to the endpoint."""

    id: int
    event: str
    created: float
    attempts: int


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended; *result* is what a developer reads about it."""

    delivered: bool
    result: str


def queue(store: Store, event_id: str, now: float) -> None:
    """Let an event be delivered: once, or as the admin API asked for the next ones."""
    copies = 0 if _take(store, "drop") else 2 if _take(store, "duplicate") else 1
    for _ in range(copies):
        add(store, event_id, now)
    if not copies:
        store.rows(
            "INSERT INTO webhook_deliveries (event, state, created, next_attempt_at) VALUES (?, 'dropped', ?, ?)",
            event_id, now, now,
        )  # fmt: skip


def add(store: Store, event_id: str, now: float) -> None:
    """Queue one delivery, due at once."""
    store.rows(
        "INSERT INTO webhook_deliveries (event, state, created, next_attempt_at) VALUES (?, 'pending', ?, ?)",
        event_id, now, now,
    )  # fmt: skip


def drop(store: Store, event_id: str) -> None:
    """Never deliver what is still pending of this event."""
    store.rows(
        "UPDATE webhook_deliveries SET state = 'dropped' WHERE event = ? AND state = 'pending'", event_id
    )


def ask_for_next(store: Store, what: str, count: int) -> None:
    """`drop` or `duplicate` the next events' deliveries."""
    store.remember(f"{what}_next_deliveries", str(count))


def _take(store: Store, what: str) -> bool:
    remaining = int(store.recall(f"{what}_next_deliveries") or 0)
    if remaining:
        ask_for_next(store, what, remaining - 1)
    return remaining > 0


def pause(store: Store, *, paused: bool) -> None:
    """Hold all deliveries back, or let them go."""
    store.remember("deliveries_paused", "1" if paused else "")


def is_paused(store: Store) -> bool:
    """Whether deliveries are held back."""
    return bool(store.recall("deliveries_paused"))


def due(store: Store, now: float, limit: int) -> list[Delivery]:
    """Pending deliveries whose time has come, oldest first."""
    if is_paused(store):
        return []
    found = store.rows(
        "SELECT id, event, created, attempts FROM webhook_deliveries"
        " WHERE state = 'pending' AND next_attempt_at <= ? ORDER BY next_attempt_at, id LIMIT ?",
        now, limit,
    )  # fmt: skip
    return [Delivery(**row) for row in found]


def next_due_after(store: Store, now: float) -> float | None:
    """When the next delivery that is not due yet falls due; None when there is none or all are held back."""
    if is_paused(store):
        return None
    found = store.row(
        "SELECT min(next_attempt_at) AS at FROM webhook_deliveries WHERE state = 'pending' AND next_attempt_at > ?",
        now,
    )
    return found["at"] if found else None


def attempted(store: Store, delivery: Delivery, outcome: Outcome, now: float, back_off: BackOff) -> None:
    """Keep the outcome of an attempt and, where it failed, when to try again."""
    attempts = delivery.attempts + 1
    again_at = now + back_off.pause(attempts)
    gives_up = again_at > delivery.created + GIVE_UP_AFTER_S
    state = "delivered" if outcome.delivered else "failed" if gives_up else "pending"
    store.rows(
        "UPDATE webhook_deliveries SET state = ?, attempts = ?, last_result = ?, next_attempt_at = ?"
        " WHERE id = ? AND state = 'pending'",
        state, attempts, outcome.result, again_at, delivery.id,
    )  # fmt: skip


def pending_for(store: Store, event_id: str) -> int:
    """How many deliveries of an event have not succeeded yet."""
    found = store.row(
        "SELECT count(*) AS n FROM webhook_deliveries WHERE event = ? AND state = 'pending'", event_id
    )
    return int(found["n"]) if found else 0


def listed(store: Store) -> list[sqlite3.Row]:
    """The newest hundred deliveries with their event's type."""
    return store.rows(
        "SELECT d.id, d.event, o.type, d.state, d.attempts, d.created, d.next_attempt_at, d.last_result"
        " FROM webhook_deliveries d JOIN objects o ON o.id = d.event ORDER BY d.id DESC LIMIT 100"
    )
