"""Stripe's objects, as plain JSON, translated into our words. Pure; does not import stripe.

Source: https://docs.stripe.com/api/payment_intents/object, …/refunds/object, …/events/object
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from payment_subgraph.observation import Making, PaymentSnapshot, RefundSnapshot
from payment_subgraph.payment import CaptureMethod, Failure, MethodDetails, MethodType, PaymentStatus
from payment_subgraph.processor import ProviderEvent
from payment_subgraph.refund import RefundReason, RefundStatus
from payment_subgraph.stripe_amounts import from_stripe_amount

Json = Mapping[str, Any]

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

REFUND_REASONS: Final = {
    RefundReason.REQUESTED_BY_CUSTOMER: "requested_by_customer",
    RefundReason.DUPLICATE: "duplicate",
    RefundReason.FRAUDULENT: "fraudulent",
}
"""Stripe has no word for OTHER: the parameter is left out."""


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
        payment_method=_method_details(intent.get("payment_method")),
        last_error=_failure(intent.get("last_payment_error"), now),
        made=None if metadata.get("payment_id") else _making(intent),
    )


def _making(intent: Json) -> Making:
    manual = intent.get("capture_method") == "manual"
    return Making(
        at=datetime.fromtimestamp(intent["created"], UTC),
        capture_method=CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC,
        description=intent.get("description"),
    )


def _redirect_url(action: Json) -> str | None:
    return action["redirect_to_url"].get("url") if action.get("type") == "redirect_to_url" else None


def _method_details(method: object) -> MethodDetails | None:
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
    return Failure(error.get("code") or error["type"], error.get("decline_code"), now)


def refund_snapshot(refund: Json) -> RefundSnapshot:
    return RefundSnapshot(
        provider_refund_id=refund["id"],
        provider_payment_id=refund["payment_intent"],
        status=RefundStatus((refund.get("status") or "pending").upper()),
        amount=from_stripe_amount(refund["amount"], refund["currency"]),
        refund_id=(refund.get("metadata") or {}).get("refund_id"),
        failure_reason=refund.get("failure_reason"),
    )


def provider_event(event: Json) -> ProviderEvent:
    """Raises ValueError for what is not an event."""
    try:
        subject: Json = event["data"]["object"]
        metadata = subject.get("metadata") or {}
        is_intent = subject.get("object") == "payment_intent"
        return ProviderEvent(
            provider_event_id=_text(event["id"]),
            type=_text(event["type"]),
            livemode=bool(event["livemode"]),
            created=int(event["created"]),
            payload=event,
            provider_payment_id=subject.get("id") if is_intent else subject.get("payment_intent"),
            payment_id=metadata.get("payment_id"),
            environment=metadata.get("env"),
            about_refunds=event["type"].startswith(("refund.", "charge.refund")),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a Stripe event") from error


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 255:
        raise TypeError("expected a short text")
    return value
