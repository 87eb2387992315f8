"""Disputes: a cardholder asks the bank for the money back.

A chargeback takes the money at once, and a fee that never comes back; an inquiry only asks, and may escalate to a
chargeback. Disputes are opened and decided by the bank: here by the admin API, by test cards, or by the clock.

Source: https://docs.stripe.com/api/disputes, https://docs.stripe.com/disputes/how-disputes-work,
https://docs.stripe.com/testing#disputes (test cards, evidence that wins or loses)
"""

from typing import Any

from fake_stripe import (
    balance_transactions,
    charges,
    dispute_object,
    due_work,
    early_fraud_warnings,
    events,
    lists,
    refunds,
)
from fake_stripe.api_errors import ApiError, missing
from fake_stripe.dispute_object import Complaint
from fake_stripe.execution import ApiRequest, Execution
from fake_stripe.parameters import Fields, Flag, Hash, Metadata, Parameters, Text, merged_metadata
from fake_stripe.store import StripeObject

LIST_FIELDS: Fields = {**lists.FIELDS, "charge": Text(), "payment_intent": Text()}
UPDATE_FIELDS: Fields = {
    "evidence": Hash(dispute_object.EVIDENCE_FIELDS),
    "metadata": Metadata(),
    "submit": Flag(),
}

_OPEN_INQUIRY = ("warning_needs_response", "warning_under_review")
_OPEN_CHARGEBACK = ("needs_response", "under_review")
_UNDER_REVIEW = {"warning_needs_response": "warning_under_review", "needs_response": "under_review"}
_CLOSED = ("won", "lost", "warning_closed")


def retrieve(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/disputes/{id}"""
    return find(execution, request.object_id)


def list_(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/disputes"""
    conditions = lists.equal_to(request.parameters, "charge", "payment_intent")
    return lists.page(execution.store, "dispute", request, conditions)


def update(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/disputes/{id}: metadata, and evidence, which goes to the bank unless `submit` says no."""
    dispute, wanted = _still_open(execution, request), request.parameters
    changed = dispute_object.with_evidence(dispute, wanted.get("evidence", {}))
    if "metadata" in wanted:
        changed["metadata"] = merged_metadata(dispute["metadata"], wanted["metadata"])
    if _is_submitted(changed, wanted):
        changed = dispute_object.submitted(changed) | {"status": _UNDER_REVIEW[dispute["status"]]}
        now = execution.clock.time()
        due_work.schedule(execution.store, now, "decide_dispute", {"dispute": dispute["id"]})
    return _updated(execution, dispute, changed)


def close(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/disputes/{id}/close: the merchant gives up."""
    return lose(execution, _still_open(execution, request))


def find(execution: Execution, wanted_id: str) -> StripeObject:
    """The dispute with this id."""
    dispute = execution.store.find("dispute", wanted_id)
    if dispute is None:
        raise missing("dispute", wanted_id, param="dispute")
    return dispute


def open_(execution: Execution, charge: StripeObject, complaint: Complaint) -> StripeObject:
    """The bank tells of a dispute."""
    if not (charge["paid"] and charge["captured"]):
        raise ApiError(f"Charge {charge['id']} has not been captured; there is nothing to dispute.")
    charge = execution.store.update({**charge, "disputed": True})
    early_fraud_warnings.review(execution, charge)
    dispute = execution.store.insert(dispute_object.new(execution, charge, complaint))
    if complaint.case_type == "inquiry":
        events.record(execution, "charge.dispute.created", dispute)
        _let_run_out(execution, dispute, execution.clock.time() + dispute_object.INQUIRY_LASTS_S)
        return dispute
    dispute = _without_funds(execution, dispute)
    events.record(execution, "charge.dispute.created", dispute)
    events.record(execution, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def escalate(execution: Execution, dispute: StripeObject) -> StripeObject:
    """An inquiry becomes a chargeback: refunds still on their way fail, and what was refunded whole is not taken again."""
    _refuse_unless(dispute, _OPEN_INQUIRY, "escalate")
    refunds.fail_pending(execution, dispute["charge"], "charge_for_pending_refund_disputed")
    due_by = {"due_by": dispute_object.evidence_due_by(execution)}
    chargeback = dispute_object.with_case_type(dispute, "chargeback") | {
        "evidence_details": {**dispute["evidence_details"], **due_by},
        "is_charge_refundable": False,
        "status": "needs_response",
    }
    if charges.find(execution, dispute["charge"])["refunded"]:
        return _updated(execution, dispute, chargeback)
    chargeback = _updated(execution, dispute, _without_funds(execution, chargeback))
    events.record(execution, "charge.dispute.funds_withdrawn", chargeback)
    return chargeback


def win(execution: Execution, dispute: StripeObject) -> StripeObject:
    """The bank decides for the merchant: the money comes back, without the fee."""
    _refuse_unless(dispute, _OPEN_CHARGEBACK, "be won")
    won = {**dispute, "is_charge_refundable": True, "status": "won"}
    if dispute["balance_transactions"]:
        won = _with_transaction(won, balance_transactions.add_dispute_reversal(execution, dispute))
        events.record(execution, "charge.dispute.funds_reinstated", won, _differences(dispute, won))
    return _closed(execution, dispute, won)


def lose(execution: Execution, dispute: StripeObject) -> StripeObject:
    """The bank decides for the cardholder: the money stays away."""
    _refuse_unless(dispute, _OPEN_CHARGEBACK, "be lost")
    return _closed(execution, dispute, {**dispute, "status": "lost"})


def close_inquiry(execution: Execution, dispute: StripeObject) -> StripeObject:
    """The bank asks no further."""
    _refuse_unless(dispute, _OPEN_INQUIRY, "be closed as an inquiry")
    return _closed(execution, dispute, {**dispute, "status": "warning_closed"})


def decide(execution: Execution, details: StripeObject) -> None:
    """Stripe's test mode decides by what the evidence says; anything else stays under review."""
    dispute = find(execution, details["dispute"])
    word = dispute["evidence"]["uncategorized_text"]
    if dispute["status"] == "warning_under_review":
        if word == "escalate_inquiry_evidence":
            escalate(execution, dispute)
        elif word in ("winning_evidence", "losing_evidence"):
            close_inquiry(execution, dispute)
    elif dispute["status"] == "under_review" and word == "winning_evidence":
        win(execution, dispute)
    elif dispute["status"] == "under_review" and word == "losing_evidence":
        lose(execution, dispute)


def run_out(execution: Execution, details: StripeObject) -> None:
    """An unanswered chargeback is lost on its day; an inquiry ends after its time, answered or not."""
    dispute = find(execution, details["dispute"])
    if dispute["status"] in _OPEN_INQUIRY:
        close_inquiry(execution, dispute)
    # The end of an inquiry may come while the chargeback it has become still has time.
    elif (
        dispute["status"] == "needs_response"
        and execution.clock.now() > dispute["evidence_details"]["due_by"]
    ):
        lose(execution, {**dispute, "evidence_details": {**dispute["evidence_details"], "past_due": True}})


def _still_open(execution: Execution, request: ApiRequest) -> StripeObject:
    dispute = find(execution, request.object_id)
    if dispute["status"] in _CLOSED:
        raise ApiError("This dispute is already closed")
    return dispute


def _is_submitted(dispute: StripeObject, wanted: Parameters) -> bool:
    """Whether this request sends the evidence to the bank, which takes it once."""
    submit = wanted.get("submit", "evidence" in wanted)
    return submit and dispute["evidence_details"]["has_evidence"] and dispute["status"] in _UNDER_REVIEW


def _without_funds(execution: Execution, dispute: StripeObject) -> StripeObject:
    """The dispute after its amount and the fee have been taken."""
    _let_run_out(execution, dispute, dispute["evidence_details"]["due_by"] + 1)
    transaction = balance_transactions.add_dispute(execution, dispute)
    return execution.store.update(_with_transaction(dispute, transaction))


def _with_transaction(dispute: StripeObject, transaction: StripeObject) -> StripeObject:
    return {**dispute, "balance_transactions": [*dispute["balance_transactions"], transaction]}


def _closed(execution: Execution, before: StripeObject, after: StripeObject) -> StripeObject:
    execution.store.update(after)
    events.record(execution, "charge.dispute.closed", after, _differences(before, after))
    return after


def _updated(execution: Execution, before: StripeObject, after: StripeObject) -> StripeObject:
    """Keep a change that is one, and tell of it."""
    if before != after:
        execution.store.update(after)
        events.record(execution, "charge.dispute.updated", after, _differences(before, after))
    return after


def _differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What the changed fields were before."""
    return {name: before[name] for name in before if before[name] != after[name]}


def _let_run_out(execution: Execution, dispute: StripeObject, due_at: float) -> None:
    due_work.schedule(execution.store, due_at, "run_out_dispute", {"dispute": dispute["id"]})


def _refuse_unless(dispute: StripeObject, allowed: tuple[str, ...], what: str) -> None:
    if dispute["status"] not in allowed:
        raise ApiError(
            f"This dispute could not {what} because it has a status of {dispute['status']}. Only a dispute with one of "
            f"the following statuses may {what}: {', '.join(allowed)}."
        )
