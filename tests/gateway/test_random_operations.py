"""Whatever is asked of whichever supergraph: the gateway answers like one schema over the same objects."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest

from tests.gateway import (
    test_circles,
    test_composite_keys,
    test_entities,
    test_externals,
    test_first_federation,
    test_first_join,
    test_first_values,
    test_interface_and_type,
    test_interface_entities,
    test_interface_object,
    test_interface_object_added,
    test_interfaces,
    test_keys,
    test_members_differ,
    test_names_clash,
    test_nodes,
    test_null_keys,
    test_override_interface,
    test_provides,
    test_requires,
    test_requires_arguments,
    test_scalars,
    test_shareable,
    test_shared_roots,
    test_types_differ,
    test_union_entities,
)
from tests.gateway.random_operations import operations
from tests.gateway.testbed import Federation, composed_by_apollo

FEDERATIONS: list[Callable[[], Federation]] = [
    test_circles.things,
    test_composite_keys.catalogue,
    test_externals.letters,
    test_interface_object_added.market,
    test_override_interface.posts,
    test_scalars.documents,
    test_entities.library,
    test_first_federation.blog,
    test_first_join.blog,
    test_first_values.groups,
    test_interface_and_type.people,
    test_interface_entities.bank,
    test_interface_object.media,
    test_interfaces.store,
    test_keys.warehouse,
    test_members_differ.boxes,
    test_names_clash.clash,
    test_nodes.nodes,
    test_null_keys.filled,
    test_provides.reviews,
    test_requires.shop,
    test_requires_arguments.shop,
    test_shareable.shop,
    test_shared_roots.shared,
    test_types_differ.entries,
    test_types_differ.feed,
    test_types_differ.people,
    test_union_entities.archive,
]
OPERATIONS = 15
"""For each; the planner was tried with thousands, these keep it so."""


WRITTEN_BY_HAND = {test_first_join.blog, test_first_values.groups}
NAMES = {make: f"{make.__module__.rpartition('_')[2]}-{make.__name__}" for make in FEDERATIONS}
CASES = [
    *(pytest.param(make, nullcontext, id=NAMES[make]) for make in FEDERATIONS),
    *(
        pytest.param(make, composed_by_apollo, id=f"{NAMES[make]}-apollo")
        for make in FEDERATIONS
        if make not in WRITTEN_BY_HAND
    ),
]


@pytest.mark.parametrize(("make", "composed"), CASES)
def test_random_operations(
    make: Callable[[], Federation], composed: Callable[[], AbstractContextManager[None]]
) -> None:
    with composed():
        federation = make()

    for operation in operations(federation.supergraph.api_schema, seed=1, count=OPERATIONS):
        answer = federation.ask(operation.query, operation.variables)
        truth = federation.truth(operation.query, operation.variables)

        # As text, since the order of fields is part of an answer.
        assert json.dumps(answer.get("data")) == json.dumps(truth.get("data")), operation
        assert ("errors" in answer) == ("errors" in truth), operation
