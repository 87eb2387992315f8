"""Lists: newest first, a page at a time, by cursors that are object ids.

Source: https://docs.stripe.com/api/pagination
"""

from collections.abc import Sequence
from typing import Any

from fake_stripe.api_errors import ValidationError, missing
from fake_stripe.execution import ApiRequest
from fake_stripe.parameters import Fields, Integer, Parameters, Text, TimeRange
from fake_stripe.store import Store, StripeObject

FIELDS: Fields = {
    "limit": Integer(minimum=1, maximum=100),
    "starting_after": Text(),
    "ending_before": Text(),
    "created": TimeRange(),
}
Condition = tuple[str, tuple[Any, ...]]
"""A condition on the columns of `objects`, and its values."""

_OPERATORS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def page(store: Store, kind: str, request: ApiRequest, conditions: Sequence[Condition] = ()) -> StripeObject:
    """One page of the objects of a kind as Stripe's list object."""
    wanted = request.parameters
    limit = wanted.get("limit", 10)
    backwards = "ending_before" in wanted
    if backwards and "starting_after" in wanted:
        raise ValidationError("You may only specify one of these parameters: ending_before, starting_after.")
    every = [("object = ?", (kind,)), *conditions, *_created(wanted), *_cursor(store, kind, wanted)]
    order = "ASC" if backwards else "DESC"
    found = store.select(
        " AND ".join(text for text, _ in every),
        [value for _, values in every for value in values],
        f"ORDER BY seq {order} LIMIT {limit + 1}",
    )
    data = found[:limit]
    return {
        "object": "list",
        "data": data[::-1] if backwards else data,
        "has_more": len(found) > limit,
        "url": request.path,
    }


def equal_to(wanted: Parameters, *columns: str) -> list[Condition]:
    """Conditions for the plain filters among the parameters."""
    return [(f"{column} = ?", (wanted[column],)) for column in columns if wanted.get(column)]


def equal_inside(wanted: Parameters, *fields: str) -> list[Condition]:
    """The same for fields that have no column of their own."""
    return [
        (f"json_extract(body, '$.{field}') = ?", (wanted[field],)) for field in fields if wanted.get(field)
    ]


def _created(wanted: Parameters) -> list[Condition]:
    return [(f"created {_OPERATORS[bound]} ?", (time,)) for bound, time in wanted.get("created", {}).items()]


def _cursor(store: Store, kind: str, wanted: Parameters) -> list[Condition]:
    for name, comparison in (("starting_after", "<"), ("ending_before", ">")):
        cursor = wanted.get(name)
        if cursor:
            place = store.sequence_number(kind, cursor)
            if place is None:
                raise missing(kind, cursor, param=name, status=400)
            return [(f"seq {comparison} ?", (place,))]
    return []
