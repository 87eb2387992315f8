"""Stripe's objects, as plain JSON, translated into our words. Pure; does not import stripe.

Source: https://docs.stripe.com/api/payment_intents/object, …/refunds/object, …/events/object, …/setup_intents/object,
…/payment_methods/object
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from payment_subgraph.balance import MovementKind
from payment_subgraph.book_difference import BookObject
from payment_subgraph.customer import MethodSnapshot
from payment_subgraph.dispute import DisputeStatus
from payment_subgraph.observation import (
    ChargeSnapshot,
    DisputeSnapshot,
    Making,
    PaymentSnapshot,
    RefundSnapshot,
)
from payment_subgraph.payment import (
    CaptureMethod,
    Failure,
    MethodDetails,
    MethodType,
    PaymentStatus,
    RiskLevel,
)
from payment_subgraph.processor import ProviderEvent
from payment_subgraph.refund import RefundReason, RefundStatus
from payment_subgraph.stripe_amounts import from_stripe_amount
from payment_subgraph.stripe_balance import movements, stripe_balance_transaction
from payment_subgraph.stripe_form import Json, moment, reads, short_text, short_text_if_any
from payment_subgraph.vault import SetupSnapshot

_METHOD_TYPES: Final = {
    "card": MethodType.CARD,
    "us_bank_account": MethodType.BANK_DEBIT,
    "sepa_debit": MethodType.BANK_DEBIT,
    "bacs_debit": MethodType.BANK_DEBIT,
    "au_becs_debit": MethodType.BANK_DEBIT,
    "acss_debit": MethodType.BANK_DEBIT,
    "link": MethodType.WALLET,
    "paypal": MethodType.WALLET,
    "cashapp": MethodType.WALLET,
    "alipay": MethodType.WALLET,
    "wechat_pay": MethodType.WALLET,
}

_WAITING: Final = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
_ABOUT_METHODS: Final = ("setup_intent.", "payment_method.", "customer.created", "customer.deleted")

REFUND_REASONS: Final = {
    RefundReason.REQUESTED_BY_CUSTOMER: "requested_by_customer",
    RefundReason.DUPLICATE: "duplicate",
    RefundReason.FRAUDULENT: "fraudulent",
}
"""Stripe has no word for OTHER: the parameter is left out."""


@reads(BookObject.PAYMENT)
def payment_snapshot(intent: Json, now: datetime) -> PaymentSnapshot:
    """Stripe does not date `last_payment_error`; *now* stands for the time it was seen."""
    metadata, currency = intent.get("metadata") or {}, intent["currency"]
    return PaymentSnapshot(
        provider_payment_id=intent["id"],
        status=PaymentStatus(intent["status"].upper()),
        amount=from_stripe_amount(intent["amount"], currency),
        captured=from_stripe_amount(intent.get("amount_received") or 0, currency),
        capturable=from_stripe_amount(intent.get("amount_capturable") or 0, currency),
        payment_id=metadata.get("payment_id"),
        environment=metadata.get("env"),
        client_secret=intent.get("client_secret"),
        redirect_url=_redirect_url(intent.get("next_action") or {}),
        payment_method=method_details(intent.get("payment_method")),
        last_error=_failure(intent.get("last_payment_error"), now),
        cancellation_reason=intent.get("cancellation_reason"),
        charge=_charge(intent.get("latest_charge")),
        under_review=intent.get("review") is not None,
        made=None if metadata.get("payment_id") else _making(intent),
    )


def _making(intent: Json) -> Making:
    manual = intent.get("capture_method") == "manual"
    return Making(
        at=moment(intent["created"]),
        capture_method=CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC,
        description=intent.get("description"),
    )


_RISK: Final = {
    "normal": RiskLevel.NORMAL,
    "elevated": RiskLevel.ELEVATED,
    "highest": RiskLevel.HIGHEST,
}


def _charge(charge: str | Json | None) -> ChargeSnapshot | None:
    """Of a bare id, which older operations still ask for, only that its money has to be looked for."""
    if charge is None:
        return None
    if isinstance(charge, str):
        return ChargeSnapshot(charge, unsettled=True)
    brought = from_stripe_amount(charge["amount_captured"], charge["currency"])
    moved = movements(MovementKind.CHARGE, charge["id"], brought, charge.get("balance_transaction"))
    return ChargeSnapshot(
        charge["id"],
        disputed=bool(charge.get("disputed")),
        risk_level=_RISK.get((charge.get("outcome") or {}).get("risk_level") or ""),
        movements=moved,
        unsettled=not moved,
    )


def _redirect_url(action: Json) -> str | None:
    return action["redirect_to_url"].get("url") if action.get("type") == "redirect_to_url" else None


def method_details(method: object) -> MethodDetails | None:
    """None for a bare id: the details come only where `expand` asked for them."""
    if not isinstance(method, Mapping):
        return None
    card = method.get("card") or {}
    bank = method.get(method["type"]) or {}
    kind = MethodType.WALLET if card.get("wallet") else _METHOD_TYPES.get(method["type"], MethodType.OTHER)
    return MethodDetails(
        id=method["id"],
        type=kind,
        brand=card.get("brand"),
        last4=bank.get("last4"),
        exp_month=card.get("exp_month"),
        exp_year=card.get("exp_year"),
        reusable=method.get("customer") is not None,
    )


def _failure(error: Json | None, now: datetime) -> Failure | None:
    if not error:
        return None
    return Failure(error.get("code") or error["type"], error.get("decline_code"), now, error.get("charge"))


def method_snapshot(method: Json) -> MethodSnapshot:
    details = method_details(method)
    if details is None:
        raise TypeError("a payment method without its details")
    return MethodSnapshot(details, moment(method["created"]))


def setup_snapshot(setup: Json) -> SetupSnapshot:
    return SetupSnapshot(
        setup["id"], waiting=setup["status"] in _WAITING, client_secret=setup["client_secret"]
    )


@reads(BookObject.REFUND)
def refund_snapshot(refund: Json) -> RefundSnapshot:
    amount = from_stripe_amount(refund["amount"], refund["currency"])
    taken = movements(
        MovementKind.REFUND,
        refund["id"],
        amount.negative() if amount else None,
        refund.get("balance_transaction"),
    )
    returned = movements(
        MovementKind.REFUND_FAILURE, refund["id"], amount, refund.get("failure_balance_transaction")
    )
    return RefundSnapshot(
        provider_refund_id=refund["id"],
        provider_payment_id=short_text(refund["payment_intent"]),
        status=RefundStatus((refund.get("status") or "pending").upper()),
        amount=amount,
        refund_id=(refund.get("metadata") or {}).get("refund_id"),
        failure_reason=refund.get("failure_reason"),
        movements=(*taken, *returned),
        unsettled=_is_unsettled(refund),
    )


def _is_unsettled(refund: Json) -> bool:
    """Whether a balance transaction has still to come, or to be read: only an object tells what it moved."""
    taken, returned = refund.get("balance_transaction"), refund.get("failure_balance_transaction")
    if refund.get("status") == "succeeded":
        return not isinstance(taken, Mapping)
    if refund.get("status") in ("failed", "canceled"):
        return taken is not None and not (isinstance(taken, Mapping) and isinstance(returned, Mapping))
    return False


@reads(BookObject.DISPUTE)
def dispute_snapshot(dispute: Json) -> DisputeSnapshot:
    due_by = (dispute.get("evidence_details") or {}).get("due_by")
    moved = dispute.get("balance_transactions") or []
    return DisputeSnapshot(
        provider_dispute_id=dispute["id"],
        provider_payment_id=short_text(dispute["payment_intent"]),
        status=DisputeStatus(dispute["status"].upper()),
        amount=from_stripe_amount(dispute["amount"], dispute["currency"]),
        reason=short_text(dispute["reason"]),
        opened_at=moment(dispute["created"]),
        evidence_due_by=moment(due_by) if due_by else None,
        movements=tuple(
            stripe_balance_transaction(one, MovementKind.DISPUTE, dispute["id"], None) for one in moved
        ),
    )


def provider_event(event: Json) -> ProviderEvent:
    """Raises ValueError for what is not an event."""
    try:
        subject: Json = event["data"]["object"]
        metadata = subject.get("metadata") or {}
        is_intent = subject.get("object") == "payment_intent"
        return ProviderEvent(
            provider_event_id=short_text(event["id"]),
            type=short_text(event["type"]),
            livemode=bool(event["livemode"]),
            created=int(event["created"]),
            payload=_needed(event),
            provider_payment_id=short_text_if_any(subject.get("id" if is_intent else "payment_intent")),
            payment_id=metadata.get("payment_id"),
            environment=metadata.get("env"),
            about_refunds=event["type"].startswith(("refund.", "charge.refund", "charge.dispute.")),
            about_disputes=event["type"].startswith("charge.dispute."),
            about_warnings=event["type"].startswith("radar.early_fraud_warning."),
            about_methods=event["type"].startswith(_ABOUT_METHODS),
            provider_customer_id=_customer_of(event, subject),
            customer_id=metadata.get("customer_id"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a Stripe event") from error


_OF_AN_EVENT: Final = ("id", "type", "livemode", "created")
_OF_ITS_OBJECT: Final = ("id", "object", "payment_intent", "customer")
_OF_OUR_METADATA: Final = ("payment_id", "env", "customer_id")


def _needed(event: Json) -> Json:
    """All of an event that is ever read, here and when it is read again: the rest tells names, addresses and cards."""
    subject: Json = event["data"]["object"]
    before: Json = event["data"].get("previous_attributes") or {}
    metadata = _some(subject.get("metadata") or {}, _OF_OUR_METADATA)
    about: Json = {**_some(subject, _OF_ITS_OBJECT), "metadata": metadata}
    data: Json = {"object": about, "previous_attributes": _some(before, ("customer",))}
    return {**_some(event, _OF_AN_EVENT), "data": data}


def _some(content: Json, names: tuple[str, ...]) -> dict[str, object]:
    return {name: content[name] for name in names if name in content}


def _customer_of(event: Json, subject: Json) -> str | None:
    """Also of a method that was detached: by now it has none."""
    if subject.get("object") == "customer":
        return short_text_if_any(subject.get("id"))
    before: Json = event["data"].get("previous_attributes") or {}
    return short_text_if_any(subject.get("customer") or before.get("customer"))
