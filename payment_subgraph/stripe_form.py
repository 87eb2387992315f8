"""The form that Stripe's objects must have to be read, and what is known of one that has another. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from payment_subgraph.book_difference import BookObject
from payment_subgraph.money import Money
from payment_subgraph.stripe_amounts import from_stripe_amount
from payment_subgraph.unreadable import Unreadable, UnreadableObject

Json = Mapping[str, Any]
Rest = ParamSpec("Rest")
Seen = TypeVar("Seen")

_Reading = Callable[Concatenate[Json, Rest], Seen]

_MISREAD: Final = (LookupError, TypeError, ValueError, AttributeError, OverflowError)
_LONGEST_STATUS: Final = 32


def reads(kind: BookObject) -> Callable[[_Reading[Rest, Seen]], _Reading[Rest, Seen]]:
    """Has a function, whose first argument is an object of *kind*, raise Unreadable where it makes nothing of it.

    Of two objects, one within the other, the inner one is named. One without an id has no name: the fault stays what
    it is, and the object around it, if there is one, cannot be read.
    """

    def strictly(read: _Reading[Rest, Seen]) -> _Reading[Rest, Seen]:
        @wraps(read)
        def reading(found: Json, /, *args: Rest.args, **named: Rest.kwargs) -> Seen:
            try:
                return read(found, *args, **named)
            except Unreadable as inner:
                raise Unreadable(_placed(inner.object, kind, found)) from inner
            except _MISREAD as fault:
                if (name := short_text_if_any(_member(found, "id"))) is None:
                    raise
                raise Unreadable(_known(kind, name, found, fault)) from fault

        return reading

    return strictly


def short_text(value: object) -> str:
    """Raises TypeError for anything else."""
    if not isinstance(value, str) or not 0 < len(value) <= 255:
        raise TypeError("expected a short text")
    return value


def moment(seconds: Any) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _known(kind: BookObject, name: str, found: Json, fault: Exception) -> UnreadableObject:
    status = short_text_if_any(found.get("status"))
    return UnreadableObject(
        kind,
        name,
        why=f"{type(fault).__name__}: {fault}",
        made_at=_moment_if_any(found.get("created")),
        provider_payment_id=_payment_of(kind, found),
        payment_id=_written_on(kind, found, "payment_id"),
        environment=_written_on(kind, found, "env"),
        amount=_amount(kind, found),
        status=status if status is None or len(status) <= _LONGEST_STATUS else None,
    )


def _placed(inner: UnreadableObject, kind: BookObject, found: Json) -> UnreadableObject:
    """*inner* as the object around it says where it belongs."""
    name = short_text_if_any(found.get("id"))
    if name == inner.provider_object_id:
        return inner
    return replace(
        inner,
        provider_payment_id=inner.provider_payment_id or _payment_of(kind, found),
        payment_id=_written_on(kind, found, "payment_id"),
        environment=_written_on(kind, found, "env"),
        within=name,
    )


def _written_on(kind: BookObject, found: Json, name: str) -> str | None:
    """What is ours in the metadata of a payment intent."""
    return short_text_if_any(_member(found.get("metadata"), name)) if kind is BookObject.PAYMENT else None


def _payment_of(kind: BookObject, found: Json) -> str | None:
    match kind:
        case BookObject.PAYMENT:
            return short_text_if_any(found.get("id"))
        case BookObject.REFUND | BookObject.DISPUTE:
            return short_text_if_any(found.get("payment_intent"))
        case BookObject.BALANCE_TRANSACTION:
            return short_text_if_any(_member(found.get("source"), "payment_intent"))


def _amount(kind: BookObject, found: Json) -> Money | None:
    """Of a balance transaction its net, as in all that is told of those."""
    amount = found.get("net" if kind is BookObject.BALANCE_TRANSACTION else "amount")
    currency = found.get("currency")
    if type(amount) is not int or not isinstance(currency, str):
        return None
    return from_stripe_amount(amount, currency)


def _member(found: object, name: str) -> object:
    return found.get(name) if isinstance(found, Mapping) else None


def short_text_if_any(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 255 else None


def _moment_if_any(seconds: object) -> datetime | None:
    try:
        return moment(seconds)
    except _MISREAD:
        return None
