"""Ways that composers count on though no directive promises them. They are taken where there is no other way at all."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import httpx
import pytest

from tests.gateway.testbed import (
    Federation,
    Object,
    assert_answers_like_one_schema,
    composed_by_apollo,
    json_response,
)

TICKET: Object = {"__typename": "Ticket", "id": "1", "seat": 4, "row": 2, "label": "Seat 4"}


def tickets() -> Federation:
    """`labels` resolves its own references as most libraries do without being told how: by what they hold."""
    federation = Federation("trusting", [TICKET], {"Query.seated": TICKET, "Query.sold": TICKET})

    def labels(request: httpx.Request) -> httpx.Response:
        body: dict[str, Any] = json.loads(request.content)
        federation.subgraphs["labels"].requests.append(body)
        sent = body.get("variables", {}).get("representations")
        if sent is None:
            return json_response({"data": {"seated": TICKET, "sold": {"id": "1"}}})
        return json_response({"data": {"_entities": [{"label": f"Seat {each['seat']}"} for each in sent]}})

    federation.broken["labels"] = labels
    return federation


PROVIDED = "{ seated { label row } }"


def test_what_is_provided_meets_a_requirement_where_the_object_cannot_be_asked_for_again() -> None:
    federation = tickets()

    assert federation.plans(
        PROVIDED,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "labels") {
              seated {
                label
                id
              }
            },
            Flatten(path: "seated") {
              Fetch(service: "seats") {
                {
                  ... on Ticket { __typename id }
                } =>
                {
                  ... on Ticket {
                    row
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert federation.ask(PROVIDED) == {"data": {"seated": {"label": "Seat 4", "row": 2}}}


REQUIRED = "{ sold { label } }"


def test_an_object_comes_back_by_its_key_with_what_is_required() -> None:
    federation = tickets()

    assert federation.plans(
        REQUIRED,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "labels") {
              sold {
                id
              }
            },
            Flatten(path: "sold") {
              Fetch(service: "seats") {
                {
                  ... on Ticket { __typename id }
                } =>
                {
                  ... on Ticket {
                    seat
                  }
                }
              }
            },
            Flatten(path: "sold") {
              Fetch(service: "labels") {
                {
                  ... on Ticket { __typename id seat }
                } =>
                {
                  ... on Ticket {
                    label
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert federation.ask(REQUIRED) == {"data": {"sold": {"label": "Seat 4"}}}


def items() -> Federation:
    item: Object = {"__typename": "Item", "id": "1", "code": "c", "tag": "new", "name": "Pen"}
    return Federation("lost_provides", [item], {"Query.item": item})


NAME = "{ item { id code tag name } }"


@pytest.mark.parametrize("composed", [nullcontext, composed_by_apollo], ids=["guild", "apollo"])
def test_an_external_field_nobody_else_can_bring_is_taken_where_it_is(
    composed: Callable[[], AbstractContextManager[None]],
) -> None:
    """The composer forgets `@provides` where every subgraph shares the field; Apollo's does not."""
    with composed():
        federation = items()

    assert federation.plans(
        NAME,
        """
        QueryPlan {
          Parallel {
            Fetch(service: "tags") {
              item {
                id
                tag
                name
              }
            },
            Fetch(service: "names") {
              item {
                code
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(federation, NAME)
