"""Events: what happened to which object, as it was at that moment.

Source: https://docs.stripe.com/api/events, https://docs.stripe.com/api/events/types
"""

from fake_stripe import lists, webhook_deliveries
from fake_stripe.api_errors import missing
from fake_stripe.execution import ApiRequest, Execution
from fake_stripe.ids import new_id
from fake_stripe.parameters import Fields, Flag, ListOf, Text
from fake_stripe.store import Store, StripeObject

LIST_FIELDS: Fields = {
    **lists.FIELDS,
    "type": Text(),
    "types": ListOf(Text(may_be_empty=False), longest=20),
    "delivery_success": Flag(),
}
KEPT_S = 30 * 86_400
"""Stripe lists events of the last 30 days."""


def record(
    execution: Execution, event_type: str, subject: StripeObject, previous: StripeObject | None = None
) -> StripeObject:
    """Keep an event about *subject* as it is now, and queue its delivery in the same transaction."""
    data: StripeObject = {"object": subject}
    if previous is not None:
        data["previous_attributes"] = previous
    event = execution.store.insert(
        {
            "id": new_id("evt"),
            "object": "event",
            "api_version": execution.account.api_version,
            "created": execution.clock.now(),
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {
                "id": execution.cause.request_id,
                "idempotency_key": execution.cause.idempotency_key,
            },
            "type": event_type,
        }
    )
    if execution.account.delivers_webhooks:
        webhook_deliveries.queue(execution.store, event["id"], execution.clock.time())
    return event


def retrieve(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/events/{id}"""
    event = execution.store.find("event", request.object_id)
    if event is None:
        raise missing("event", request.object_id)
    return with_pending_webhooks(execution.store, event)


def list_(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/events: newest first."""
    wanted = request.parameters
    conditions: list[lists.Condition] = [("created >= ?", (execution.clock.now() - KEPT_S,))]
    types = wanted.get("types") or ([wanted["type"]] if wanted.get("type") else [])
    if types:
        conditions.append((f"({' OR '.join('type LIKE ?' for _ in types)})", tuple(map(_pattern, types))))
    if "delivery_success" in wanted:
        conditions.append((_DELIVERED if wanted["delivery_success"] else f"NOT {_DELIVERED}", ()))
    page = lists.page(execution.store, "event", request, conditions)
    page["data"] = [with_pending_webhooks(execution.store, event) for event in page["data"]]
    return page


_DELIVERED = (
    "NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.event = objects.id AND d.state <> 'delivered')"
)


def _pattern(event_type: str) -> str:
    """`charge.*` is allowed."""
    return event_type.replace("*", "%")


def with_pending_webhooks(store: Store, event: StripeObject) -> StripeObject:
    """The event with the number of deliveries that have not succeeded yet."""
    return {**event, "pending_webhooks": webhook_deliveries.pending_for(store, event["id"])}
