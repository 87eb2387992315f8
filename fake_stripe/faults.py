"""Faults on request: what goes wrong with the next matching API requests."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

from fake_stripe.store import Store

FaultKind = Literal["lose_request", "lose_answer", "status_500", "429", "409", "delay"]
FAULT_KINDS: tuple[str, ...] = get_args(FaultKind)
Executed = Literal["never", "at_once", "later"]
EXECUTED: tuple[str, ...] = get_args(Executed)


@dataclass(frozen=True)
class Fault:
    """One fault, as it strikes one request."""

    kind: FaultKind
    seconds: float = 0
    """How long `delay` holds the request, or how much later a `status_500` is executed after all."""
    executed: Executed = "never"
    """What a `status_500` does behind its back."""


def add(store: Store, fault: Fault, method: str, path: str, count: int) -> None:
    """Let *fault* strike the next *count* requests whose method and path match; `*` matches anything."""
    store.rows(
        "INSERT INTO faults (kind, method, path, remaining, seconds, executed) VALUES (?, ?, ?, ?, ?, ?)",
        fault.kind, method, path, count, fault.seconds, fault.executed,
    )  # fmt: skip


def take(store: Store, method: str, path: str) -> Fault | None:
    """The oldest fault that strikes this request; it counts as used."""
    for row in store.rows("SELECT * FROM faults WHERE remaining > 0 ORDER BY id"):
        if fnmatchcase(method, row["method"]) and fnmatchcase(path, row["path"]):
            store.rows("UPDATE faults SET remaining = remaining - 1 WHERE id = ?", row["id"])
            return Fault(row["kind"], row["seconds"], row["executed"])
    return None


def listed(store: Store) -> list[dict[str, object]]:
    """The faults still to come."""
    return [dict(row) for row in store.rows("SELECT * FROM faults WHERE remaining > 0 ORDER BY id")]


def clear(store: Store) -> None:
    """Nothing goes wrong any more."""
    store.rows("DELETE FROM faults")
