"""What Stripe does later by itself: kept as rows, done when the fake's clock gets there."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from fake_stripe.store import Store

WorkKind = Literal[
    "decide_dispute",
    "run_out_dispute",
    "settle_charge",
    "settle_refund",
    "expire_authorization",
    "execute_request",
]


@dataclass(frozen=True)
class Work:
    """Something that has fallen due."""

    id: int
    kind: WorkKind
    details: dict[str, Any]


def schedule(store: Store, due_at: float, kind: WorkKind, details: dict[str, Any]) -> None:
    """Let something be done at a time of the fake's clock."""
    store.rows(
        "INSERT INTO due_work (due_at, kind, details) VALUES (?, ?, ?)", due_at, kind, json.dumps(details)
    )


def next_due(store: Store, now: float) -> Work | None:
    """The oldest work whose time has come."""
    row = store.row(
        "SELECT id, kind, details FROM due_work WHERE due_at <= ? ORDER BY due_at, id LIMIT 1", now
    )
    return Work(row["id"], row["kind"], json.loads(row["details"])) if row else None


def next_due_at(store: Store) -> float | None:
    """When the next work falls due."""
    row = store.row("SELECT min(due_at) AS at FROM due_work")
    return row["at"] if row else None


def done(store: Store, work: Work) -> None:
    """Never do it again."""
    store.rows("DELETE FROM due_work WHERE id = ?", work.id)
