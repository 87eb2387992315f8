"""What is timed as an operation's first plan is the whole plan."""

import pytest

from bench.cold_operations import OPERATIONS, SUPERGRAPH, tries
from gateway.supergraph.reader import load_supergraph


@pytest.mark.parametrize(("file", "fetches"), [("me-and-my-payments", 2), ("pay", 1), ("refund", 1)])
def test_nothing_is_left_out_of_the_plan(file: str, fetches: int) -> None:
    text = (OPERATIONS / f"{file}.graphql").read_text()

    cold = next(tries(text, load_supergraph(SUPERGRAPH.read_text())))

    assert cold.fetches == fetches
