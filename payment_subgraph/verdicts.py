"""How an operation ends, decided from what the provider said or shows. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from payment_subgraph.operation import Operation, OperationKind, OperationState, Rejection, RejectionKind
from payment_subgraph.payment import CONFIRMABLE, Payment, PaymentStatus
from payment_subgraph.processor import Refused, RefusedFor
from payment_subgraph.refund import Refund

_NEEDING_A_STATE: Final = frozenset({OperationKind.CONFIRM, OperationKind.CAPTURE})
_CANCELED: Final = frozenset({PaymentStatus.CANCELED})
_CONFIRMED: Final = frozenset(
    {
        PaymentStatus.SUCCEEDED,
        PaymentStatus.PROCESSING,
        PaymentStatus.REQUIRES_ACTION,
        PaymentStatus.REQUIRES_CAPTURE,
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an operation ends; *rejection* says why, if it was rejected."""

    rejection: Rejection | None = None

    @property
    def state(self) -> OperationState:
        return OperationState.REJECTED if self.rejection else OperationState.SUCCEEDED


Judge = Callable[[Payment, Mapping[str, Refund]], Verdict | None]
"""Decides an operation from payment and refunds (by id) as they stand after a reading; None leaves it open."""


def judge_of(operation: Operation) -> Judge:
    """How the provider's state, as our rows have it, decides an operation that no answer has settled."""
    match operation.kind:
        case OperationKind.CREATE:
            return lambda payment, _: Verdict() if payment.provider_payment_id else None
        case OperationKind.REFUND:
            return refund_known(operation)
        case OperationKind.CONFIRM:
            return lambda payment, _: None if payment.status in CONFIRMABLE else _if(payment, _CONFIRMED)
        case OperationKind.CAPTURE:
            return lambda payment, _: _captured(operation, payment) if payment.settled else None
        case OperationKind.CANCEL:
            return lambda payment, _: _if(payment, _CANCELED) if payment.settled else None
        case _:
            assert_never(operation.kind)


def done(_payment: Payment, _refunds: Mapping[str, Refund]) -> Verdict:
    return Verdict()


def refund_known(operation: Operation) -> Judge:
    """Done once the provider's refund is tied to our row."""

    def judge(_payment: Payment, refunds: Mapping[str, Refund]) -> Verdict | None:
        ours = refunds.get(operation.refund_id or "")
        return Verdict() if ours and ours.provider_refund_id else None

    return judge


def judge_after_refusal(operation: Operation, rejection: Rejection) -> Judge:
    """A cancel's refusal proves nothing: already canceled and already succeeded sound alike.

    So does a capture's, once nothing is left to capture: an earlier try may have been carried out.
    A refund's is not taken from here: only `Closing.reject` also releases what was reserved.
    """
    match operation.kind:
        case OperationKind.CANCEL:
            return lambda payment, _: _if(payment, _CANCELED)
        case OperationKind.CAPTURE:
            return lambda payment, _: _captured(operation, payment) if payment.settled else Verdict(rejection)
        case OperationKind.CREATE:  # an earlier try made the object, or we would have none to read
            return done
        case OperationKind.REFUND:
            return refund_known(operation)
    return lambda *_: Verdict(rejection)


def _if(payment: Payment, wanted: frozenset[PaymentStatus]) -> Verdict:
    return Verdict() if payment.status in wanted else Verdict(Rejection(RejectionKind.INVALID_STATE))


def _captured(operation: Operation, payment: Payment) -> Verdict:
    """Done, if exactly what was asked for was captured: another sum was captured by somebody else."""
    done = payment.amount_captured == operation.amount_minor
    return Verdict() if done else Verdict(Rejection(RejectionKind.INVALID_STATE))


def rejection_of(operation: Operation, said: Refused) -> Rejection:
    kind = RejectionKind.PROVIDER
    if operation.kind is OperationKind.REFUND and (
        said.field == "amount" or said.reason is RefusedFor.NOTHING_LEFT
    ):
        kind = RejectionKind.REFUND_EXCEEDS
    elif operation.kind is OperationKind.REFUND and said.reason is RefusedFor.DISPUTED:
        kind = RejectionKind.DISPUTED
    elif operation.kind in _NEEDING_A_STATE and said.reason is RefusedFor.WRONG_STATE:
        kind = RejectionKind.INVALID_STATE
    elif said.field is not None:
        kind = RejectionKind.INVALID_INPUT
    return Rejection(kind, code=said.reason, field=said.field, request_id=said.request_id)
