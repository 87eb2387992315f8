"""What was observed, as the log's JSON and back. What an older release did not write yet has its default. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from payment_subgraph.balance import BalanceTransaction, MovementKind
from payment_subgraph.dispute import DisputeStatus
from payment_subgraph.money import Money
from payment_subgraph.observation import (
    ChargeSnapshot,
    DisputeSnapshot,
    Movements,
    PaymentSnapshot,
    RefundSnapshot,
)
from payment_subgraph.payment import Failure, MethodDetails, MethodType, PaymentStatus, RiskLevel
from payment_subgraph.refund import RefundStatus

_UNRECORDED: Final = frozenset({"client_secret", "made"})


def logged(snapshot: Any) -> Any:
    """A snapshot as JSON, without what opens a payment to its holder, and what others wrote into it."""
    if isinstance(snapshot, datetime):
        return snapshot.isoformat()
    if isinstance(snapshot, tuple):
        return [logged(one) for one in snapshot]
    if hasattr(snapshot, "__dataclass_fields__"):
        named = ((each.name, getattr(snapshot, each.name)) for each in fields(snapshot))
        return {name: logged(value) for name, value in named if name not in _UNRECORDED}
    return snapshot


def payment_snapshot(content: Mapping[str, Any]) -> PaymentSnapshot:
    known = _known(PaymentSnapshot, content)
    return PaymentSnapshot(
        **{
            **known,
            "status": PaymentStatus(known["status"]),
            **{name: _money(known.get(name)) for name in ("amount", "captured", "capturable")},
            "payment_method": _method(known.get("payment_method")),
            "last_error": _failure(known.get("last_error")),
            "charge": _charge(known.get("charge")),
        }
    )


def refund_snapshot(content: Mapping[str, Any]) -> RefundSnapshot:
    known = _known(RefundSnapshot, content)
    return RefundSnapshot(
        **{
            **known,
            "status": RefundStatus(known["status"]),
            "amount": _money(known.get("amount")),
            "movements": _movements(known.get("movements")),
        }
    )


def dispute_snapshot(content: Mapping[str, Any]) -> DisputeSnapshot:
    known = _known(DisputeSnapshot, content)
    return DisputeSnapshot(
        **{
            **known,
            "status": DisputeStatus(known["status"]),
            "amount": _money(known.get("amount")),
            "opened_at": datetime.fromisoformat(known["opened_at"]),
            "evidence_due_by": _told(known.get("evidence_due_by"), datetime.fromisoformat),
            "movements": _movements(known.get("movements")),
        }
    )


def _known(kind: type, content: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in content.items() if name in names}


def _told(value: Any, read: Callable[[Any], Any]) -> Any:
    return None if value is None else read(value)


def _charge(content: Mapping[str, Any] | None) -> ChargeSnapshot | None:
    if content is None:
        return None
    known = _known(ChargeSnapshot, content)
    risk = _told(known.get("risk_level"), RiskLevel)
    return ChargeSnapshot(**{**known, "risk_level": risk, "movements": _movements(known.get("movements"))})


def _movements(content: Sequence[Mapping[str, Any] | None] | None) -> Movements:
    return tuple(_told(one, _movement) for one in content or ())


def _movement(content: Mapping[str, Any]) -> BalanceTransaction:
    known = _known(BalanceTransaction, content)
    times = {name: datetime.fromisoformat(known[name]) for name in ("created_at", "available_at")}
    return BalanceTransaction(**{**known, **times, "kind": MovementKind(known["kind"])})


def _money(content: Mapping[str, Any] | None) -> Money | None:
    return None if content is None else Money(content["minor"], content["currency"])


def _method(content: Mapping[str, Any] | None) -> MethodDetails | None:
    if content is None:
        return None
    return MethodDetails(**{**_known(MethodDetails, content), "type": MethodType(content["type"])})


def _failure(content: Mapping[str, Any] | None) -> Failure | None:
    if content is None:
        return None
    known = _known(Failure, content)
    return Failure(**{**known, "occurred_at": datetime.fromisoformat(known["occurred_at"])})
