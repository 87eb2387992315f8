"""Whatever is protected in whichever supergraph, and whatever is asked: no subgraph gives away what is denied, and the
answer is that of one schema whose resolvers refuse it."""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

import pytest
from graphql import (
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    get_named_type,
    is_introspection_type,
    is_leaf_type,
    is_object_type,
)

from tests.gateway.protection import protecting
from tests.gateway.random_operations import operations
from tests.gateway.test_random_operations import FEDERATIONS, NAMES
from tests.gateway.testbed import Federation, Object, changed

PROTECTIONS = 2
"""For each federation; each with other coordinates protected. It was tried with hundreds, these keep it so."""
OPERATIONS = 8

Make = Callable[[], Federation]


@pytest.mark.parametrize("seed", range(PROTECTIONS))
@pytest.mark.parametrize("make", FEDERATIONS, ids=NAMES.values())
def test_nothing_denied_is_given_away(make: Make, seed: int) -> None:
    protected = _some_coordinates(make().supergraph.api_schema, Random(f"{NAMES[make]} {seed}"))
    with changed(protecting(dict.fromkeys(protected, "authenticated"))):
        federation = make()
    judge = _Judge(federation)
    keys = set(_key_fields(federation))

    for operation in operations(federation.supergraph.api_schema, seed, OPERATIONS):
        answer = federation.ask(operation.query, operation.variables)
        truth = judge.truth(operation.query, operation.variables)

        secrets = {f"{type_}.{field}" for type_, field in federation.resolved() - keys}
        assert not secrets & protected, operation
        assert answer.get("data") == truth.get("data"), operation
        assert ("errors" in answer) == ("errors" in truth), operation
        assert _withheld(answer) == _refused(truth), operation


def _withheld(answer: dict[str, Any]) -> list[list[str | int]]:
    code = "UNAUTHORIZED_FIELD_OR_TYPE"
    return sorted(
        [each["path"] for each in answer.get("errors", []) if each["extensions"]["code"] == code], key=str
    )


def _refused(truth: dict[str, Any]) -> list[list[str | int]]:
    return sorted([each["path"] for each in truth.get("errors", []) if each["message"] == "refused"], key=str)


def _some_coordinates(schema: GraphQLSchema, random: Random) -> set[str]:
    """Fields of object types, object types, scalars and enums; no root type, for then everything is denied."""
    roots = {"Query", "Mutation", "Subscription"}
    types = [each for each in schema.type_map.values() if not is_introspection_type(each)]
    objects = [each for each in types if is_object_type(each)]
    fields = [f"{each.name}.{field}" for each in objects for field in each.fields]
    leaves = [
        each.name
        for each in types
        if is_leaf_type(each) and each.name not in {"String", "ID", "Int", "Float", "Boolean"}
    ]
    whole = [*(each.name for each in objects if each.name not in roots), *leaves]
    chosen = random.sample(fields, max(1, len(fields) // 8))
    return {*chosen, *random.sample(whole, min(len(whole), random.choice([0, 0, 1])))}


def _key_fields(federation: Federation) -> Iterator[tuple[str, str]]:
    """What the gateway may read for itself. A key of an interface is one of its types."""
    supergraph = federation.supergraph
    for name, held in supergraph.types.items():
        for in_graph in held.graphs.values():
            for path in in_graph.key_paths:
                for at in supergraph.possible_types(name):
                    yield from _along(supergraph, at, [field for _, field in path])


def _along(supergraph: Any, type_name: str, fields: list[str]) -> Iterator[tuple[str, str]]:
    if not fields or fields[0] not in supergraph.types[type_name].fields:
        return
    yield type_name, fields[0]
    child = supergraph.child_type(type_name, fields[0])
    for each in supergraph.possible_types(child):
        yield from _along(supergraph, each, fields[1:])


class _Judge:
    """One schema over the same objects that refuses what the rules deny to somebody without a token."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._rules = federation.supergraph.authorization

    def truth(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        federation = self._federation
        plain, federation._resolve_truth = federation._resolve_truth, self._resolve  # type: ignore[method-assign]
        self._plain = plain
        try:
            return federation.truth(query, variables)
        finally:
            federation._resolve_truth = plain  # type: ignore[method-assign]

    def _resolve(self, source: Object, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        at = (info.parent_type.name, info.field_name)
        possible = self._rules.guarded.get(at, ())
        if at in self._rules.of_fields or possible:
            raise GraphQLError("refused")
        value = self._plain(source, info, **arguments)
        returned = get_named_type(info.return_type)
        return value if is_object_type(returned) or is_leaf_type(returned) else self._visible(value)

    def _visible(self, value: Any) -> Any:
        """Objects that may not be seen, among others that may, are errors where they stand."""
        if isinstance(value, list):
            return [self._visible(each) for each in value]
        if isinstance(value, dict) and value["__typename"] in self._rules.of_types:
            return GraphQLError("refused")
        return value
