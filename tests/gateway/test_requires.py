"""@requires: nested, with arguments, of abstract types, in chains across subgraphs."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def shop() -> Federation:
    """`form` needs `label`, which needs `dutyInUsd`, which needs `price(currency: "USD")`: three subgraphs in a row."""
    pen: Object = {
        "__typename": "Product",
        "id": "1",
        "name": "Pen",
        "price": lambda currency=None: {"USD": 2.0, "EUR": 1.5}.get(currency, 9.0),
        "size": {"__typename": "Size", "width": 2, "height": 3},
        "maker": {"__typename": "Company", "country": "NL", "vat": "V1"},
        "parts": [{"__typename": "Screw", "thread": 3}, {"__typename": "Board", "thickness": 4}],
        "dutyInUsd": 0.5,
        "label": "half a dollar",
        "form": "F1",
        "origin": "NL, V1",
        "postage": 6,
        "isHeavy": True,
    }
    ink: Object = {
        "__typename": "Product",
        "id": "2",
        "name": "Ink",
        "price": lambda **_: 3.0,
        "size": None,
        "maker": {"__typename": "Person", "country": "DE", "nick": "Jo"},
        "parts": [],
        "dutyInUsd": None,
        "label": None,
        "form": "F2",
        "origin": "DE",
        "postage": None,
        "isHeavy": False,
    }
    products = [pen, ink]
    return Federation(
        "requires",
        products,
        {"Query.products": products, "Query.parcel": lambda **given: products[int(given["id"]) - 1]},
    )


CHAIN = "{ products { form postage } }"


def test_requirements_of_requirements_are_fetched_in_order() -> None:
    assert shop().plans(
        CHAIN,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "catalog") {
              products {
                id
                price(currency: "USD")
                size {
                  width
                  height
                }
              }
            },
            Flatten(path: "products.@") {
              Fetch(service: "customs") {
                {
                  ... on Product { __typename id price }
                } =>
                {
                  ... on Product {
                    dutyInUsd
                  }
                }
              }
            },
            Flatten(path: "products.@") {
              Fetch(service: "shipping") {
                {
                  ... on Product { __typename id dutyInUsd size { width height } }
                } =>
                {
                  ... on Product {
                    label
                    postage
                  }
                }
              }
            },
            Flatten(path: "products.@") {
              Fetch(service: "customs") {
                {
                  ... on Product { __typename id label }
                } =>
                {
                  ... on Product {
                    form
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(shop(), CHAIN)


BACK_TO_START = "{ parcel(id: 1) { postage } }"


def test_a_field_of_the_subgraph_at_hand_is_asked_again_once_its_requirement_is_there() -> None:
    assert shop().plans(
        BACK_TO_START,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "shipping") {
              parcel(id: 1) {
                id
              }
            },
            Flatten(path: "parcel") {
              Fetch(service: "catalog") {
                {
                  ... on Product { __typename id }
                } =>
                {
                  ... on Product {
                    size {
                      width
                      height
                    }
                  }
                }
              }
            },
            Flatten(path: "parcel") {
              Fetch(service: "shipping") {
                {
                  ... on Product { __typename id size { width height } }
                } =>
                {
                  ... on Product {
                    postage
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(shop(), BACK_TO_START)


BY_TYPE = "{ products { origin isHeavy } }"


def test_what_is_required_of_an_abstract_type_is_sent_by_type() -> None:
    assert shop().plans(
        BY_TYPE,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "catalog") {
              products {
                id
                maker {
                  __typename
                  country
                  ... on Company {
                    vat
                  }
                }
                parts {
                  __typename
                  ... on Screw {
                    thread
                  }
                  ... on Board {
                    thickness
                  }
                }
              }
            },
            Parallel {
              Flatten(path: "products.@") {
                Fetch(service: "customs") {
                  {
                    ... on Product { __typename id maker { __typename country ... on Company { vat } } }
                  } =>
                  {
                    ... on Product {
                      origin
                    }
                  }
                }
              },
              Flatten(path: "products.@") {
                Fetch(service: "shipping") {
                  {
                    ... on Product { __typename id parts { __typename ... on Screw { thread } ... on Board { thickness } } }
                  } =>
                  {
                    ... on Product {
                      isHeavy
                    }
                  }
                }
              },
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(shop(), BY_TYPE)


@pytest.mark.parametrize(
    "query",
    [
        "{ products { dutyInUsd price } }",
        '{ products { price(currency: "EUR") dutyInUsd } }',
        '{ products { price: name other: price(currency: "USD") dutyInUsd } }',
        "{ products { size: name id: postage } }",
        "{ products { size { height: width w: width } postage } }",
        "{ products { maker { ... on Person { country: nick } } origin } }",
        "{ products { parts { ... on Screw { thickness: thread } } isHeavy } }",
        "{ parcel(id: 2) { form origin isHeavy postage label name } }",
    ],
)
def test_the_client_may_ask_the_required_field_in_its_own_way(query: str) -> None:
    assert_answers_like_one_schema(shop(), query)


def test_the_required_argument_is_the_requirements_not_the_clients() -> None:
    query = "query ($currency: String) { products { price(currency: $currency) dutyInUsd } }"

    assert_answers_like_one_schema(shop(), query, currency="EUR")
