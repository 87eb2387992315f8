"""Keys without a value: there is no entity to ask for. A compound key that has at least one value names an entity."""

from typing import Any

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def book(number: int, **known: Any) -> Object:
    whole = {
        "barcode": f"b{number}",
        "isbn": f"i{number}",
        "title": f"Book {number}",
        "series": "S",
        "part": number,
        "next": f"Book {number + 1}",
        "place": {"__typename": "Place", "hall": 1, "row": number},
        "lamp": f"L{number}",
    }
    return {"__typename": "Book"} | whole | known


def shops(*shelf: Object | None) -> Federation:
    books = [each for each in shelf if each]
    shop = {"__typename": "Shop", "bestseller": books[0], "shelves": [[*shelf], None, []]}
    return Federation("null_keys", books, {"Query.shops": [shop, None]})


def filled() -> Federation:
    return shops(book(1), None, book(2))


def on_the_shelf(federation: Federation, fields: str) -> tuple[Any, int]:
    """What is answered about the books on the first shelf, and how many entities that took."""
    answer = federation.ask(f"{{ shops {{ shelves {{ {fields} }} }} }}")

    assert set(answer) == {"data"}
    requests = [sent for each in federation.subgraphs.values() for sent in each.requests]
    asked = sum(len(sent.get("variables", {}).get("representations", ())) for sent in requests)
    return answer["data"]["shops"][0]["shelves"][0], asked


def test_nulls_on_the_way_to_an_entity_are_skipped() -> None:
    query = "{ shops { bestseller { title next } shelves { title lamp } } }"

    assert_answers_like_one_schema(filled(), query)


def test_without_its_key_an_entity_is_not_asked_for() -> None:
    federation = shops(book(1), book(2, barcode=None), None)

    assert on_the_shelf(federation, "title") == ([{"title": "Book 1"}, {"title": None}, None], 2)


def test_a_key_that_the_subgraph_in_between_does_not_know_ends_the_way() -> None:
    federation = shops(book(1, isbn=None), book(2))

    assert on_the_shelf(federation, "barcode title") == (
        [{"barcode": "b1", "title": None}, {"barcode": "b2", "title": "Book 2"}],
        3,
    )


@pytest.mark.parametrize(
    ("known", "following"),
    [
        ({"part": None}, "Book 2"),
        ({"series": None}, "Book 2"),
        ({"series": None, "part": None}, None),
    ],
)
def test_a_compound_key_may_be_null_in_part_but_not_as_a_whole(
    known: dict[str, Any], following: str | None
) -> None:
    federation = shops(book(1, **known))

    assert on_the_shelf(federation, "next") == ([{"next": following}], 1 if following else 0)


@pytest.mark.parametrize(
    ("place", "lamp"),
    [
        ({"__typename": "Place", "hall": 3, "row": None}, "L1"),
        ({"__typename": "Place", "hall": None, "row": None}, None),
        (None, None),
    ],
)
def test_the_same_holds_for_a_nested_key(place: Object | None, lamp: str | None) -> None:
    federation = shops(book(1, place=place))

    assert on_the_shelf(federation, "lamp") == ([{"lamp": lamp}], 1 if lamp else 0)


def test_what_an_entity_without_a_key_does_not_need_it_for_is_there() -> None:
    federation = shops(book(1, barcode=None), book(2, series=None, part=None))

    answered, _ = on_the_shelf(federation, "title next lamp")

    assert answered == [
        {"title": None, "next": "Book 2", "lamp": "L1"},
        {"title": "Book 2", "next": None, "lamp": "L2"},
    ]


def test_the_way_through_the_subgraphs() -> None:
    assert shops(book(1)).plans(
        "{ shops { bestseller { title next } } }",
        """
        QueryPlan {
          Sequence {
            Fetch(service: "shops") {
              shops {
                bestseller {
                  barcode
                  series
                  part
                }
              }
            },
            Parallel {
              Flatten(path: "shops.@.bestseller") {
                Fetch(service: "barcodes") {
                  {
                    ... on Book { __typename barcode }
                  } =>
                  {
                    ... on Book {
                      isbn
                    }
                  }
                }
              },
              Flatten(path: "shops.@.bestseller") {
                Fetch(service: "series") {
                  {
                    ... on Book { __typename series part }
                  } =>
                  {
                    ... on Book {
                      next
                    }
                  }
                }
              },
            },
            Flatten(path: "shops.@.bestseller") {
              Fetch(service: "titles") {
                {
                  ... on Book { __typename isbn }
                } =>
                {
                  ... on Book {
                    title
                  }
                }
              }
            },
          }
        }
        """,
    )
