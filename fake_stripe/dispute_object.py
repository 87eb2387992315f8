"""The dispute as a JSON object: how it begins, and its evidence.

Source: https://docs.stripe.com/api/disputes/object
"""

from dataclasses import dataclass
from typing import Literal, get_args

from fake_stripe.execution import Execution
from fake_stripe.ids import new_id
from fake_stripe.parameters import Fields, Text
from fake_stripe.store import StripeObject

CaseType = Literal["chargeback", "inquiry"]
CASE_TYPES: tuple[CaseType, ...] = get_args(CaseType)
REASONS = (
    "credit_not_processed",
    "duplicate",
    "fraudulent",
    "general",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
)
EVIDENCE_DUE_AFTER_DAYS = 8
INQUIRY_LASTS_S = 120 * 86_400
"""An inquiry that has not been escalated by then is closed."""

_VISA_REASON_CODES = {"fraudulent": "10.4", "product_not_received": "13.1", "product_unacceptable": "13.3"}
_VISA_INQUIRY_CODE = "10"
_EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip
EVIDENCE_FIELDS: Fields = {name: Text(longest=20_000) for name in _EVIDENCE}


@dataclass(frozen=True)
class Complaint:
    """What a cardholder tells the bank."""

    case_type: CaseType
    amount: int
    """Usually that of the charge, but it may be less and even more."""
    reason: str


def evidence_due_by(execution: Execution) -> int:
    """The last second of a day (UTC)."""
    return (execution.clock.now() // 86_400 + EVIDENCE_DUE_AFTER_DAYS + 1) * 86_400 - 1


def new(execution: Execution, charge: StripeObject, complaint: Complaint) -> StripeObject:
    """A dispute nobody has answered yet; no money has moved for it."""
    card = charge["payment_method_details"]["card"]
    inquiry = complaint.case_type == "inquiry"
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": complaint.amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": execution.clock.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": evidence_due_by(execution),
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card["brand"],
                "case_type": complaint.case_type,
                "network": card["network"],
                "network_reason_code": _reason_code(card["brand"], complaint.case_type, complaint.reason),
            },
            "type": "card",
        },
        "reason": complaint.reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def with_case_type(dispute: StripeObject, case_type: CaseType) -> StripeObject:
    """The dispute at another stage of the card network's procedure."""
    details = dispute["payment_method_details"]
    reason_code = _reason_code(details["card"]["brand"], case_type, dispute["reason"])
    card = {**details["card"], "case_type": case_type, "network_reason_code": reason_code}
    return {**dispute, "payment_method_details": {**details, "card": card}}


def _reason_code(brand: str, case_type: CaseType, reason: str) -> str | None:
    if brand != "visa":
        return None
    return _VISA_INQUIRY_CODE if case_type == "inquiry" else _VISA_REASON_CODES.get(reason)


def with_evidence(dispute: StripeObject, sent: StripeObject) -> StripeObject:
    """The dispute with evidence added; an empty text takes a piece away."""
    evidence = {**dispute["evidence"], **sent}
    has_evidence = any(evidence[name] for name in _EVIDENCE)
    details = {**dispute["evidence_details"], "has_evidence": has_evidence}
    return {**dispute, "evidence": evidence, "evidence_details": details}


def submitted(dispute: StripeObject) -> StripeObject:
    """The dispute with its evidence on the way to the bank."""
    details = dispute["evidence_details"]
    counted = {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
    return {**dispute, "evidence_details": {**details, **counted}}
