"""@interfaceObject seen from subgraphs that know only one type of the interface, or can only name it."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def market() -> Federation:
    pen: Object = {"__typename": "Product", "id": "p", "name": "Pen", "note": "blue", "price": 2}
    shop: Object = {"__typename": "Shop", "id": "s", "street": "High Street", "note": None}
    order = {"__typename": "Order", "number": 7, "about": pen, "all": [shop, None, pen]}
    roots = {"Query.nodes": [pen, shop], "Query.cheapest": pen, "Query.order": order}
    return Federation("interface_object_added", [pen, shop], roots)


NOTE = "{ cheapest { note } }"


def test_a_type_has_the_fields_added_to_its_interface_where_the_interface_is_unknown() -> None:
    assert market().plans(
        NOTE,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "prices") {
              cheapest {
                id
              }
            },
            Flatten(path: "cheapest") {
              Fetch(service: "notes") {
                {
                  ... on Node { __typename id }
                } =>
                {
                  ... on Node {
                    note
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(market(), NOTE)


@pytest.mark.parametrize(
    ("query", "requests"),
    [
        ("{ order { number about { id } } }", 1),
        ("{ order { about { ... on Node { id } } } }", 1),
        ("{ order { about { __typename } } }", 2),
        ("{ order { all { note } } }", 2),
        ("{ order { all { id ... on Product { name } ... on Shop { street } } } }", 2),
        ("{ order { all { note ... on Product { price name } } } }", 4),
        ("{ nodes { note ... on Product { price } } }", 3),
        ("{ cheapest { name note price } }", 3),
        ("{ nodes { ... on Shop { note: street n: note } ... on Product { note: name n: note } } }", 2),
    ],
)
def test_answers(query: str, requests: int) -> None:
    federation = market()

    assert_answers_like_one_schema(federation, query)
    assert federation.request_count() <= requests
