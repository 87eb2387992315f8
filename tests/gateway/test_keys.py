"""@key: simple, compound, nested, several; keys that only a subgraph in between can supply; null keys."""

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def warehouse() -> Federation:
    """`stock` wants a barcode and a place; `names` knows neither, `barcodes` and `shelves` one each."""
    items: list[Object] = [
        {"__typename": "Item", "id": "1", "name": "Pen", "barcode": "b1", "shelf": shelf(1, 2), "amount": 3},
        {
            "__typename": "Item",
            "id": "2",
            "name": "Cap",
            "barcode": "b2",
            "shelf": shelf(2, 2),
            "amount": None,
        },
    ]
    return Federation("keys", items, {"Query.items": items})


def shelf(hall: int, row: int) -> Object:
    return {"__typename": "Shelf", "hall": hall, "row": row}


AMOUNTS = "{ items { name amount } }"


def test_a_key_can_lead_through_other_subgraphs() -> None:
    assert warehouse().plans(
        AMOUNTS,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "names") {
              items {
                name
                id
              }
            },
            Flatten(path: "items.@") {
              Fetch(service: "barcodes") {
                {
                  ... on Item { __typename id }
                } =>
                {
                  ... on Item {
                    barcode
                  }
                }
              }
            },
            Flatten(path: "items.@") {
              Fetch(service: "shelves") {
                {
                  ... on Item { __typename barcode }
                } =>
                {
                  ... on Item {
                    shelf {
                      hall
                      row
                    }
                  }
                }
              }
            },
            Flatten(path: "items.@") {
              Fetch(service: "stock") {
                {
                  ... on Item { __typename barcode shelf { hall row } }
                } =>
                {
                  ... on Item {
                    amount
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(warehouse(), AMOUNTS)


def test_a_field_of_a_nested_key_can_be_asked_for_itself() -> None:
    assert_answers_like_one_schema(warehouse(), "{ items { shelf { row } amount barcode } }")


def test_what_the_client_did_not_ask_stays_inside() -> None:
    data = assert_answers_like_one_schema(warehouse(), AMOUNTS)

    assert data["items"][0] == {"name": "Pen", "amount": 3}


def test_an_entity_without_a_key_is_not_asked_for() -> None:
    federation = warehouse()
    federation.world.objects[0]["barcode"] = None

    answer = federation.ask(AMOUNTS)

    assert answer == {"data": {"items": [{"name": "Pen", "amount": None}, {"name": "Cap", "amount": None}]}}
    assert len(federation.sent_to("stock")[0]["variables"]["representations"]) == 1


def test_equal_entities_are_sent_once() -> None:
    federation = warehouse()
    federation.world.roots["Query.items"][:] = [federation.world.objects[0]] * 50

    data = assert_answers_like_one_schema(federation, AMOUNTS)

    assert len(data["items"]) == 50
    assert [len(sent["variables"]["representations"]) for sent in federation.sent_to("stock")] == [1]
