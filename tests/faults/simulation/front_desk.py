"""How people are served by processes that live in this one: `people.Shop` without HTTP and GraphQL."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from payment_subgraph import errors
from payment_subgraph.commands import (
    CancelPayment,
    CapturePayment,
    ConfirmPayment,
    CreatePayment,
    RefundPayment,
)
from payment_subgraph.money import Money, parse_money
from payment_subgraph.operation import OperationKind
from payment_subgraph.payment import CaptureMethod
from payment_subgraph.use_cases import Outcome, UseCases
from payment_subgraph.viewer import Viewer
from tests.faults.people import STAFF, Intention, Told
from tests.faults.simulation.process import Died, Process
from tests.faults.simulation.stripe_account import StripeAccount

_CUSTOMER: Final = frozenset({"payments:read", "payments:write"})
_STAFF: Final = _CUSTOMER | {"payments:read:any", "payments:write:any", "refunds:write"}
_MEMBERS: Final = {
    errors.InvalidInput: "ValidationError",
    errors.NotFound: "NotFoundError",
    errors.PaymentDeclined: "PaymentDeclinedError",
    errors.IdempotencyConflict: "IdempotencyConflictError",
    errors.DuplicatePayment: "DuplicatePaymentError",
    errors.InvalidPaymentState: "InvalidPaymentStateError",
    errors.RefundExceedsAvailable: "RefundExceedsAvailableError",
    errors.ProviderRefused: "PaymentProviderError",
}
_FIRST_PAUSE_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 1800.0
_TRIES: Final = 40


@dataclass(slots=True)
class FrontDesk:
    """*pick*: a process that serves, now. *unanswered*: what was given up. *broken*: what no client should get."""

    pick: Callable[[], Awaitable[Process]]
    account: StripeAccount
    told: list[Told] = field(default_factory=list)
    unanswered: list[Intention] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)

    async def ask(self, intention: Intention) -> Told | None:
        pause = _FIRST_PAUSE_S
        for _ in range(_TRIES):
            told = await self._asked_once(intention)
            if told is not None:
                self.told.append(told)
                return told
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
        self.unanswered.append(intention)
        return None

    async def ask_again(self) -> None:
        """Of those who gave up: where half of all answers are lost, most of a day may not be enough for one."""
        given_up, self.unanswered = self.unanswered, []
        for intention in given_up:
            await self.ask(intention)

    async def bank(self, client_secret: str, verdict: str) -> None:
        self.account.bank(client_secret.partition("_secret_")[0], verdict)

    async def sync(self, payment_id: str) -> None:
        process = await self.pick()
        assert process.parts is not None
        try:
            await process.serve(process.parts.syncing.sync_payment(Viewer(STAFF, _STAFF), payment_id))
        except (Died, errors.Refusal):
            return

    async def _asked_once(self, intention: Intention) -> Told | None:
        """None while nothing is known: the process died, or said "pending"."""
        self.sent[intention.kind] += 1
        process = await self.pick()
        assert process.parts is not None
        scopes = _STAFF if intention.who == STAFF else _CUSTOMER
        viewer = Viewer(intention.who, scopes)
        try:
            outcome = await process.serve(_ask(process.parts.use_cases, viewer, intention))
        except Died:
            return None
        except errors.Refusal as refusal:
            return _refused(intention, refusal)
        except Exception as fault:  # noqa: BLE001 - to a client it is INTERNAL_SERVER_ERROR: nothing is known
            self.broken.append(f"{intention.kind} {intention.key}: {type(fault).__name__} {fault}")
            return None
        return _told(intention, outcome) if outcome.operation.resolved else None


def _ask(desk: UseCases, viewer: Viewer, intention: Intention) -> Any:
    key, wanted = intention.key, intention.wanted
    match intention.kind:
        case "createPayment":
            return desk.create_payment(viewer, _creation(key, intention.who, wanted))
        case "confirmPayment":
            return desk.confirm_payment(
                viewer, ConfirmPayment(key, wanted["paymentId"], wanted["paymentMethodId"])
            )
        case "capturePayment":
            return desk.capture_payment(viewer, CapturePayment(key, wanted["paymentId"], _money(wanted)))
        case "cancelPayment":
            return desk.cancel_payment(viewer, CancelPayment(key, wanted["paymentId"]))
        case "refundPayment":
            return desk.refund_payment(viewer, RefundPayment(key, wanted["paymentId"], _money(wanted)))
    raise AssertionError(intention.kind)


def _creation(key: str, who: str, wanted: Mapping[str, Any]) -> CreatePayment:
    return CreatePayment(
        key,
        who,
        _money(wanted),
        reference=wanted["reference"],
        capture_method=CaptureMethod(wanted.get("captureMethod", "AUTOMATIC")),
        payment_method_id=wanted.get("paymentMethodId"),
        confirm=wanted.get("confirm", False),
    )


def _money(wanted: Mapping[str, Any]) -> Money:
    money = parse_money(wanted["amount"]["amount"], wanted["amount"]["currency"])
    assert isinstance(money, Money)
    return money


def _told(intention: Intention, outcome: Outcome) -> Told:
    payment, refund = outcome.payment, outcome.refund
    if outcome.operation.kind is OperationKind.REFUND and refund is not None:
        return Told(intention.kind, intention.key, "RefundSuccess", refund.id, refund.status)
    return Told(
        intention.kind, intention.key, "PaymentSuccess", payment.id, payment.status, payment.client_secret
    )


def _refused(intention: Intention, refusal: errors.Refusal) -> Told:
    spoken_id = None
    match refusal:
        case errors.PaymentDeclined(payment=payment) | errors.DuplicatePayment(existing=payment):
            spoken_id = payment.id
    return Told(intention.kind, intention.key, _MEMBERS[type(refusal)], spoken_id)
