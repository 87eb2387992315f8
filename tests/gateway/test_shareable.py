"""@shareable: fields in several subgraphs whose children are split between them."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def shop() -> Federation:
    inner: Object = {"__typename": "Inner", "a": 1, "b": 2, "both": 3}
    dimensions: Object = {"__typename": "Dimensions", "width": 1, "unit": "cm", "weight": 3, "inner": inner}
    product: Object = {"__typename": "Product", "id": "p1", "name": "Pen", "dimensions": dimensions}
    place: Object = {"__typename": "Shop", "name": "Corner", "street": "High Street", "open": True}
    return Federation("shareable", [product], {"Query.product": product, "Query.shop": place})


SPLIT = "{ product { name dimensions { width weight unit inner { a b both } } } }"


def test_children_of_a_value_type_come_from_the_subgraph_that_has_them() -> None:
    assert shop().plans(
        SPLIT,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "left") {
              product {
                name
                dimensions {
                  width
                  unit
                  inner {
                    a
                    both
                  }
                }
                id
              }
            },
            Flatten(path: "product") {
              Fetch(service: "right") {
                {
                  ... on Product { __typename id }
                } =>
                {
                  ... on Product {
                    dimensions {
                      weight
                      inner {
                        b
                      }
                    }
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(shop(), SPLIT)


SPLIT_ROOT = "{ shop { name street open } }"


def test_a_shared_root_field_is_asked_in_each_subgraph_for_its_part() -> None:
    assert shop().plans(
        SPLIT_ROOT,
        """
        QueryPlan {
          Parallel {
            Fetch(service: "left") {
              shop {
                name
                open
              }
            },
            Fetch(service: "right") {
              shop {
                street
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(shop(), SPLIT_ROOT)


@pytest.mark.parametrize(
    ("query", "requests"),
    [
        ("{ product { name dimensions { width unit } } }", 1),
        ("{ product { dimensions { weight } } }", 2),
        ("{ shop { open } }", 1),
        ("{ shop { street open } }", 1),
        ("{ shop { open } product { name } }", 1),
    ],
)
def test_the_plan_with_the_fewest_fetches_is_chosen(query: str, requests: int) -> None:
    federation = shop()

    assert_answers_like_one_schema(federation, query)
    assert federation.request_count() == requests
