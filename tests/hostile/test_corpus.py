"""The corpus itself: enough requests, each another one, and where it says "valid" really valid."""

import json

import pytest
from graphql import parse, validate

from launcher.settings import ROOT
from tests.hostile.attacked_schema import AttackedSchema
from tests.hostile.corpus import hostile_requests

SCHEMAS = ("users", "payments", "api")


def sdl(name: str) -> str:
    return (ROOT / "schema" / f"{name}.graphql").read_text()


@pytest.mark.parametrize("name", SCHEMAS)
def test_there_are_more_than_enough_requests_and_all_differ(name: str) -> None:
    requests = hostile_requests(sdl(name))

    assert len(requests) > 400
    assert len({request.name for request in requests}) == len(requests)
    assert len({request.wire for request in requests}) == len(requests)


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_is_built_from_the_schema_gets_past_validation(name: str) -> None:
    """An attack on execution that is refused at the door is none."""
    schema = AttackedSchema(sdl(name))
    texts = [place.query for place in schema.places()]
    texts += [f"{{ {schema.field(leaf)} }}" for leaf in schema.leaves]
    texts += [f"{{ {schema.nested(levels)} }}" for levels in (1, 5, 20)]
    texts += [f"{{ {opening.format(first=1)} {{ __typename }} }}" for opening in schema.connections]

    assert [text for text in texts if "_Any" not in text and validate(schema.schema, parse(text))] == []


def test_levels_are_as_many_as_asked_for_where_a_schema_has_circles() -> None:
    assert len(AttackedSchema(sdl("payments")).chain(40)) == 40


def test_requests_are_spread_over_many_kinds() -> None:
    kinds = {request.name.partition(":")[0] for request in hostile_requests(sdl("users"))}

    assert {"body", "header", "document", "selection", "introspection", "value", "representations"} <= kinds


def test_values_arrive_as_json() -> None:
    values = [
        request for request in hostile_requests(sdl("users")) if request.name.startswith("value: half a pair")
    ]

    assert values
    assert all("\ud800" in json.dumps(json.loads(each.body), ensure_ascii=False) for each in values)
