"""Keys that hold lists of objects, each with more of them than the other; types that can be named but not asked for."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def catalogue() -> Federation:
    def product(number: int, **known: object) -> Object:
        category = {"__typename": "Category", "id": f"c{number}", "tag": f"t{number}"}
        whole = {"id": f"p{number}", "maker": f"m{number}", "category": category, "price": number}
        return {"__typename": "Product"} | whole | known

    products = [product(1), product(2, maker=None), product(3)]
    whole: Object = {
        "__typename": "Catalogue",
        "products": products,
        "first": products[0],
        "selected": products[1:],
        "total": 6,
    }
    return Federation("composite_keys", [whole, *products], {"Query.catalogue": whole})


TOTAL = "{ catalogue { total } }"


def test_lists_of_objects_can_be_a_key_and_one_key_can_lead_to_the_other() -> None:
    assert catalogue().plans(
        TOTAL,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "shop") {
              catalogue {
                products {
                  id
                  maker
                  category {
                    id
                    tag
                  }
                }
              }
            },
            Flatten(path: "catalogue") {
              Fetch(service: "picks") {
                {
                  ... on Catalogue { __typename products { id maker } }
                } =>
                {
                  ... on Catalogue {
                    selected {
                      id
                    }
                  }
                }
              }
            },
            Flatten(path: "catalogue") {
              Fetch(service: "prices") {
                {
                  ... on Catalogue { __typename products { id maker category { id tag } } selected { id } }
                } =>
                {
                  ... on Catalogue {
                    total
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(catalogue(), TOTAL)


@pytest.mark.parametrize(
    "query",
    [
        "{ catalogue { products { price } } }",
        "{ catalogue { products { id: maker maker: id price } } }",
        "{ catalogue { first { price } } }",
        "{ catalogue { selected { maker category { tag } } } }",
        "{ catalogue { total first { id } selected { price } products { category { id } } } }",
    ],
)
def test_answers(query: str) -> None:
    assert_answers_like_one_schema(catalogue(), query)
