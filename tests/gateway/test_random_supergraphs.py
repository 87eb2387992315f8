"""Federations nobody thought up: the gateway answers like one schema over the same objects.

Drawn by random_supergraphs.py, composed beforehand; `python -m tests.gateway.explore` tries any number of others.
"""

import pytest

from tests.gateway.explore import OPERATIONS, RANDOM, differences, federation_of
from tests.gateway.random_supergraphs import random_federation

SEEDS = sorted(int(file.stem) for file in RANDOM.glob("*.graphql"))


@pytest.mark.parametrize("seed", SEEDS)
def test_random_operations_on_a_random_supergraph(seed: int) -> None:
    federation = federation_of(random_federation(seed), (RANDOM / f"{seed}.graphql").read_text())

    assert [*differences(federation, seed, OPERATIONS)] == []


def test_there_are_random_supergraphs() -> None:
    assert len(SEEDS) >= 10
