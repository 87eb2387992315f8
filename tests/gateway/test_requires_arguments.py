"""@requires with arguments: one field required twice, with different ones."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def shop() -> Federation:
    prices = {"EUR": 1, "USD": 2}
    product: Object = {
        "__typename": "Product",
        "id": "1",
        "price": lambda currency=None: prices.get(currency),
        "prices": lambda currencies=None: [prices.get(each) for each in currencies or ()],
        "inEuro": "1 euro",
        "inDollar": "2 dollars",
        "inBoth": "1 or 2",
        "plain": "cheap",
    }
    return Federation("requires_arguments", [product], {"Query.products": [product]})


BOTH = "{ products { inEuro inDollar } }"


def test_each_argument_has_its_own_representation_and_both_share_a_request() -> None:
    federation = shop()

    assert federation.plans(
        BOTH,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "prices") {
              products {
                id
                price(currency: "EUR")
                _0_price: price(currency: "USD")
              }
            },
            Batch {
              Flatten(path: "products.@") {
                Fetch(service: "labels") {
                  {
                    ... on Product { __typename id price }
                  } =>
                  {
                    ... on Product {
                      inEuro
                    }
                  }
                }
              },
              Flatten(path: "products.@") {
                Fetch(service: "labels") {
                  {
                    ... on Product { __typename id price: _0_price }
                  } =>
                  {
                    ... on Product {
                      inDollar
                    }
                  }
                }
              },
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(federation, BOTH)
    assert len(federation.sent_to("labels")) == 1


@pytest.mark.parametrize(
    "query",
    [
        '{ products { price(currency: "SEK") inEuro plain } }',
        "{ products { price: inBoth prices: inDollar plain } }",
        '{ products { prices(currencies: ["USD"]) inBoth inEuro inDollar } }',
    ],
)
def test_answers(query: str) -> None:
    assert_answers_like_one_schema(shop(), query)
