"""Refunds: money given back, never more than was taken.

Source: https://docs.stripe.com/api/refunds, https://docs.stripe.com/refunds (failed refunds),
https://docs.stripe.com/testing#refunds
"""

from fake_stripe import (
    balance_transactions,
    charges,
    due_work,
    early_fraud_warnings,
    events,
    lists,
    payment_methods,
)
from fake_stripe.api_errors import ApiError, ValidationError, missing
from fake_stripe.currencies import written
from fake_stripe.execution import ApiRequest, Execution
from fake_stripe.ids import new_id
from fake_stripe.parameters import Fields, Integer, Metadata, OneOf, Parameters, Text, merged_metadata
from fake_stripe.store import StripeObject

CREATE_FIELDS: Fields = {
    "amount": Integer(minimum=1),
    "charge": Text(),
    "currency": Text(),
    "metadata": Metadata(),
    "payment_intent": Text(),
    "reason": OneOf(("duplicate", "fraudulent", "requested_by_customer")),
}
UPDATE_FIELDS: Fields = {"metadata": Metadata()}
LIST_FIELDS: Fields = {**lists.FIELDS, "charge": Text(), "payment_intent": Text()}

FAILURE_REASONS = (
    "charge_for_pending_refund_disputed",
    "declined",
    "expired_or_canceled_card",
    "insufficient_funds",
    "lost_or_stolen_card",
    "merchant_request",
    "unknown",
)
_LIVE = ("pending", "succeeded")


def create(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/refunds"""
    wanted = request.parameters
    charge = _charge_to_refund(execution, wanted)
    amount = _amount(charge, wanted.get("amount"))
    behaviour = payment_methods.card_behind(execution, charge["payment_method"]).refund
    status = "pending" if behaviour == "succeeds_later" else "succeeded"
    refund = _new(execution, charge, amount, wanted, status)
    transaction = balance_transactions.add_refund(execution, refund)
    refund = execution.store.insert({**refund, "balance_transaction": transaction["id"]})
    charge = _move(execution, charge, amount)
    events.record(execution, "charge.refunded", charge)
    events.record(execution, "refund.created", refund)
    if behaviour != "succeeds":
        outcome = "succeeded" if behaviour == "succeeds_later" else "failed"
        due_at = execution.clock.time() + execution.account.refund_settle_s
        due_work.schedule(
            execution.store, due_at, "settle_refund", {"refund": refund["id"], "outcome": outcome}
        )
    return refund


def check_create(wanted: Parameters) -> None:
    """A refund names a charge or a payment intent."""
    if not wanted.get("charge") and not wanted.get("payment_intent"):
        raise ValidationError(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )


def retrieve(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/refunds/{id}"""
    return find(execution, request.object_id)


def update(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/refunds/{id}: only its metadata"""
    refund = find(execution, request.object_id)
    if "metadata" not in request.parameters:
        return refund
    before = refund["metadata"]
    refund = execution.store.update(
        {**refund, "metadata": merged_metadata(before, request.parameters["metadata"])}
    )
    _record_update(execution, refund, {"metadata": before})
    return refund


def list_(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/refunds"""
    conditions = lists.equal_to(request.parameters, "charge", "payment_intent")
    return lists.page(execution.store, "refund", request, conditions)


def find(execution: Execution, wanted_id: str) -> StripeObject:
    """The refund with this id."""
    refund = execution.store.find("refund", wanted_id)
    if refund is None:
        raise missing("refund", wanted_id)
    return refund


def settle(execution: Execution, details: StripeObject) -> None:
    """The bank's late answer to a refund, as its test card has it, unless the admin API was quicker."""
    refund = find(execution, details["refund"])
    if details["outcome"] == "failed" and refund["status"] in _LIVE:
        fail(execution, refund, "expired_or_canceled_card")
    elif details["outcome"] == "succeeded" and refund["status"] == "pending":
        succeed(execution, refund)


def succeed(execution: Execution, refund: StripeObject) -> StripeObject:
    """A pending refund has arrived."""
    if refund["status"] != "pending":
        raise ApiError(f"This refund has a status of {refund['status']}; only a pending one can succeed.")
    changed = execution.store.update({**_no_longer_pending(refund), "status": "succeeded"})
    _record_update(execution, changed, {"status": refund["status"]})
    return changed


def fail(execution: Execution, refund: StripeObject, reason: str) -> StripeObject:
    """The bank sent the money back: possible even after the refund succeeded."""
    if refund["status"] not in _LIVE:
        raise ApiError(f"This refund has a status of {refund['status']}; it cannot fail any more.")
    transaction = balance_transactions.add_refund_failure(execution, refund)
    changed = execution.store.update(
        {
            **_no_longer_pending(refund),
            "failure_balance_transaction": transaction["id"],
            "failure_reason": reason,
            "status": "failed",
        }
    )
    _move(execution, charges.find(execution, refund["charge"]), -refund["amount"])
    _record_update(execution, changed, _differences(refund, changed))
    events.record(execution, "refund.failed", changed)
    return changed


def fail_pending(execution: Execution, charge_id: str, reason: str) -> None:
    """The refunds of a charge that have not arrived yet fail."""
    for refund in execution.store.select("object = 'refund' AND charge = ?", (charge_id,)):
        if refund["status"] == "pending":
            fail(execution, refund, reason)


def _no_longer_pending(refund: StripeObject) -> StripeObject:
    """Only a pending refund has a reason for it; Stripe leaves out what a refund does not have."""
    return {name: value for name, value in refund.items() if name != "pending_reason"}


def _differences(before: StripeObject, after: StripeObject) -> StripeObject:
    """What the changed fields were before: null those there were none of."""
    names = [*before, *(name for name in after if name not in before)]
    return {name: before.get(name) for name in names if before.get(name) != after.get(name)}


def _record_update(execution: Execution, refund: StripeObject, previous: StripeObject) -> None:
    events.record(execution, "refund.updated", refund, previous=previous)
    events.record(execution, "charge.refund.updated", refund, previous=previous)


def _charge_to_refund(execution: Execution, wanted: Parameters) -> StripeObject:
    if wanted.get("charge"):
        charge = charges.find(execution, wanted["charge"])
        if wanted.get("payment_intent") not in (None, charge["payment_intent"]):
            raise ApiError("The charge does not belong to the payment intent.", param="payment_intent")
    else:
        charge = _charge_of(execution, wanted["payment_intent"])
    if not (charge["paid"] and charge["captured"]):
        raise ApiError(f"Charge {charge['id']} has not been captured and cannot be refunded.", param="charge")
    charges.refuse_refund_if_charged_back(execution, charge)
    return charge


def _charge_of(execution: Execution, payment_intent_id: str) -> StripeObject:
    intent = execution.store.find("payment_intent", payment_intent_id)
    if intent is None:
        raise missing("payment_intent", payment_intent_id, param="payment_intent", status=400)
    if intent["status"] != "succeeded":
        message = f"This PaymentIntent ({payment_intent_id}) does not have a successful charge to refund."
        raise ApiError(message, param="payment_intent")
    return charges.find(execution, intent["latest_charge"])


def _amount(charge: StripeObject, wanted: int | None) -> int:
    """The amount to give back: all that is left unless less is wanted."""
    left = charges.refundable(charge)
    if left == 0:
        raise ApiError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if wanted is not None and wanted > left:
        # Stripe names the parameter here but, unlike most refusals, no code.
        raise ApiError(
            f"Refund amount ({written(wanted, charge['currency'])}) is greater than unrefunded amount on charge "
            f"({written(left, charge['currency'])})",
            param="amount",
        )
    return left if wanted is None else wanted


def _move(execution: Execution, charge: StripeObject, amount: int) -> StripeObject:
    refunded = charge["amount_refunded"] + amount
    whole = refunded >= charge["amount_captured"]
    charge = execution.store.update({**charge, "amount_refunded": refunded, "refunded": whole})
    early_fraud_warnings.review(execution, charge)
    return charge


def _new(
    execution: Execution, charge: StripeObject, amount: int, wanted: Parameters, status: str
) -> StripeObject:
    details = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    pending = {"pending_reason": "processing"} if status == "pending" else {}
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": execution.clock.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {"card": details, "type": "card"},
        "metadata": wanted.get("metadata") or {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        **pending,
        "reason": wanted.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
