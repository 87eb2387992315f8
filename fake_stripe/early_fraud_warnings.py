"""Early fraud warnings: the card's issuer suspects fraud, before anyone has complained.

Source: https://docs.stripe.com/api/early_fraud_warnings, https://docs.stripe.com/disputes/measuring#early-fraud-warnings
"""

from fake_stripe import events, lists
from fake_stripe.api_errors import ApiError, missing
from fake_stripe.execution import ApiRequest, Execution
from fake_stripe.ids import new_id
from fake_stripe.parameters import Fields, Text
from fake_stripe.store import StripeObject

LIST_FIELDS: Fields = {**lists.FIELDS, "charge": Text(), "payment_intent": Text()}
FRAUD_TYPES = (
    "card_never_received",
    "fraudulent_card_application",
    "made_with_counterfeit_card",
    "made_with_lost_card",
    "made_with_stolen_card",
    "misc",
    "unauthorized_use_of_card",
)
_KIND = "radar.early_fraud_warning"


def retrieve(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/radar/early_fraud_warnings/{id}"""
    warning = execution.store.find(_KIND, request.object_id)
    if warning is None:
        raise missing("early_fraud_warning", request.object_id)
    return warning


def list_(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/radar/early_fraud_warnings"""
    conditions = lists.equal_to(request.parameters, "charge", "payment_intent")
    return lists.page(execution.store, _KIND, request, conditions)


def issue(execution: Execution, charge: StripeObject, fraud_type: str) -> StripeObject:
    """The issuer warns of a charge."""
    if not charge["paid"]:
        raise ApiError(f"Charge {charge['id']} has failed; nobody warns of it.")
    warning = execution.store.insert(
        {
            "id": new_id("issfr"),
            "object": _KIND,
            "actionable": _is_actionable(charge),
            "charge": charge["id"],
            "created": execution.clock.now(),
            "fraud_type": fraud_type,
            "livemode": False,
            "payment_intent": charge["payment_intent"],
        }
    )
    events.record(execution, f"{_KIND}.created", warning)
    return warning


def review(execution: Execution, charge: StripeObject) -> None:
    """Look anew at the warnings of a charge that was refunded or disputed: is there still something to do?"""
    for warning in execution.store.select(f"object = '{_KIND}' AND charge = ?", (charge["id"],)):
        if warning["actionable"] != _is_actionable(charge):
            changed = execution.store.update({**warning, "actionable": _is_actionable(charge)})
            before = {"actionable": warning["actionable"]}
            events.record(execution, f"{_KIND}.updated", changed, previous=before)


def _is_actionable(charge: StripeObject) -> bool:
    """A refund could still spare the merchant a dispute."""
    return not charge["disputed"] and not charge["refunded"]
