"""@inaccessible at every place it can stand, here under another name: clients see nothing of it, the gateway uses it."""

from textwrap import dedent

import pytest
from graphql import lexicographic_sort_schema, print_schema

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema, composed_by_apollo


def shop() -> Federation:
    screw: Object = {"__typename": "Screw", "thread": 3}
    secret: Object = {"__typename": "Secret", "recipe": "salt"}
    pen: Object = {
        "__typename": "Product",
        "id": "1",
        "name": lambda **given: f"Pen {given}",
        "cost": 2,
        "price": 5,
        "colour": "RED",
        "contents": [screw, secret],
        "oldName": "Quill",
    }
    roots = {
        "Query.products": lambda **_: [pen],
        "Query.product": lambda **_: pen,
        "Query.site": "https://example.com",
    }
    return Federation("inaccessible", [pen], roots)


API = '''
    enum Colour {
      RED
    }

    union Content = Screw

    enum Language {
      EN
      NL
    }

    interface Named {
      name(language: Language = EN): String
    }

    """What is sold."""
    type Product implements Named {
      colour: Colour
      contents: [Content!]
      id: ID!
      name(language: Language = EN): String
      oldName: String @deprecated(reason: "Use `name`.")
      price: Int
    }

    type Query {
      product(id: ID!): Product
      products(search: Search): [Product!]!
      site: Url
    }

    type Screw {
      thread: Int
    }

    input Search {
      colours: [Colour!] = [RED]
      text: String
    }

    scalar Url @specifiedBy(url: "https://url.spec.whatwg.org/")
'''


def test_the_api_schema_says_nothing_of_what_is_inaccessible() -> None:
    assert print_schema(lexicographic_sort_schema(shop().supergraph.api_schema)) == dedent(API).strip()


def test_it_is_the_same_whoever_composed() -> None:
    with composed_by_apollo():
        assert print_schema(lexicographic_sort_schema(shop().supergraph.api_schema)) == dedent(API).strip()


@pytest.mark.parametrize(
    "query",
    [
        "{ products { price } }",
        '{ products(search: {text: "x"}) { name colour oldName } site }',
        "{ product(id: 1) { name(language: NL) id price } }",
    ],
)
def test_a_requirement_may_be_inaccessible(query: str) -> None:
    assert_answers_like_one_schema(shop(), query)


@pytest.mark.parametrize(
    "query",
    [
        "{ products { cost } }",
        "{ products { name(draft: true) } }",
        "{ products { maker { vat } } }",
        "{ makers { vat } }",
        "{ products { ... on Audited { changedBy } } }",
        "{ products { contents { ... on Secret { recipe } } } }",
        '{ products(internal: {sql: "x"}) { id } }',
        "{ products(search: {rank: COST}) { id } }",
        "{ products(search: {colours: [INFRARED]}) { id } }",
        "query ($internal: Internal) { site }",
    ],
)
def test_what_is_inaccessible_cannot_be_asked(query: str) -> None:
    federation = shop()

    assert {each["extensions"]["code"] for each in federation.ask(query)["errors"]} == {
        "GRAPHQL_VALIDATION_FAILED"
    }
    assert federation.request_count() == 0


def test_an_object_of_an_inaccessible_type_is_null_with_what_may_not_be_null() -> None:
    answer = shop().ask("{ product(id: 1) { id contents { ... on Screw { thread } } } }")

    assert answer["data"] == {"product": {"id": "1", "contents": None}}
    assert [each["path"] for each in answer["errors"]] == [["product", "contents", 1]]
