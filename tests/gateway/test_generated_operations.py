"""What hypothesis-graphql makes up for a schema: it searches where random_operations.py does not, and shrinks what fails."""

import os
from collections.abc import Callable

import pytest
from graphql import print_schema
from hypothesis import HealthCheck, given, settings
from hypothesis_graphql import queries

from tests.gateway.test_random_operations import FEDERATIONS, NAMES
from tests.gateway.testbed import Federation

EXAMPLES = int(os.environ.get("GATEWAY_EXAMPLES", "8"))
"""For each federation; thousands have been tried."""


@pytest.mark.parametrize("make", FEDERATIONS, ids=NAMES.get)
def test_generated_operations(make: Callable[[], Federation]) -> None:
    federation = make()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(queries(print_schema(federation.supergraph.api_schema)))
    def answers_like_one_schema(query: str) -> None:
        answer, truth = federation.ask(query), federation.truth(query)

        assert answer.get("data") == truth.get("data")
        assert ("errors" in answer) == ("errors" in truth)

    answers_like_one_schema()
