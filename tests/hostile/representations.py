"""`_entities` and `_service`: a subgraph answers them, a gateway must not have them at all."""

from collections.abc import Iterator
from typing import Any

from tests.hostile.attacked_schema import AttackedSchema
from tests.hostile.request import HostileRequest, posted

ENTITIES = "query ($r: [_Any!]!) { _entities(representations: $r) { __typename %s } }"


def hostile_representations(schema: AttackedSchema) -> Iterator[HostileRequest]:
    for name, query, representations in _requests(schema):
        yield posted(f"representations: {name}", query, {"r": representations})


def _requests(schema: AttackedSchema) -> Iterator[tuple[str, str, Any]]:
    type_ = schema.type.name
    plain = ENTITIES % f"... on {type_} {{ {' '.join(schema.leaves)} }}"
    for count in (1, 100, 101, 1_000, 4_000):
        yield f"{count} of them", plain, [{"__typename": type_, "id": f"id{n}"} for n in range(count)]
        yield f"{count} times the same", plain, [{"__typename": type_, "id": "id"}] * count
    hundred = [{"__typename": type_, "id": f"id{n}"} for n in range(100)]
    for times in (5, 45, 190, 400):
        many = " ".join(f"a{n}: _entities(representations: $r) {{ __typename }}" for n in range(times))
        yield f"a hundred of them under {times} names", f"query ($r: [_Any!]!) {{ {many} }}", hundred
        same = "_entities(representations: $r) { __typename } " * times
        yield f"a hundred of them {times} times", f"query ($r: [_Any!]!) {{ {same} }}", hundred
    yield "the same fields many times", ENTITIES % (f"... on {type_} {{ {schema.leaf} }} " * 300), hundred
    yield "none", plain, []
    for name, wrong in (
        ("null", None),
        ("a text", "x"),
        ("a number", 1),
        ("an object", {"__typename": type_}),
        ("null in a list", [None]),
        ("a text in a list", ["x"]),
        ("lists in a list", [[]]),
        ("no type", [{"id": "1"}]),
        ("an unknown type", [{"__typename": "Nothing", "id": "1"}]),
        ("a type of the root", [{"__typename": "Query"}]),
        ("a type of introspection", [{"__typename": "__Schema", "id": "1"}]),
        ("a number for a type", [{"__typename": 1}]),
        ("a list for a type", [{"__typename": [type_], "id": "1"}]),
        ("a long name for a type", [{"__typename": "T" * 100_000, "id": "1"}]),
        ("no key", [{"__typename": type_}]),
        ("null for a key", [{"__typename": type_, "id": None}]),
        ("a list for a key", [{"__typename": type_, "id": ["1"]}]),
        ("an object for a key", [{"__typename": type_, "id": {"a": "1"}}]),
        ("a number for a key", [{"__typename": type_, "id": 10**300}]),
        ("a long key", [{"__typename": type_, "id": "1" * 100_000}]),
        ("the null character in a key", [{"__typename": type_, "id": "a\0"}]),
        ("half a pair in a key", [{"__typename": type_, "id": "\ud800"}]),
        (
            "fields that are not the caller's to say",
            [{"__typename": type_, "id": "1", "role": "ADMIN", "email": "x"}],
        ),
        ("many keys", [{"__typename": type_, "id": "1", **{f"k{n}": n for n in range(5_000)}}]),
        (
            "good and bad ones",
            [{"__typename": type_, "id": "1"}, {"__typename": "Nothing"}, {}, {"__typename": type_}],
        ),
    ):
        yield name, plain, wrong
    written = " ".join(f'{{__typename: "{type_}", id: "{n}"}}' for n in range(90))
    yield "written in the text", f"{{ _entities(representations: [{written}]) {{ __typename }} }}", None
    yield "none given", "{ _entities { __typename } }", None
