"""The stub with our gateway in front, both as processes: what is measured is the right answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.compose import compose_into
from bench.federation import FEDERATIONS
from bench.gateways import OURS
from bench.graphql_client import ask
from bench.line_up import Entry, LineUp, lined_up
from bench.workload import WORKLOADS


@pytest.fixture(scope="module")
def line_up() -> Iterator[LineUp]:
    """Raises WrongAnswer where the gateway says something else than direct execution does."""
    with lined_up([OURS], WORKLOADS, tell=lambda _: None) as everybody:
        yield everybody


def entry(line_up: LineUp, workload: str) -> Entry:
    [found] = [each for each in line_up.entries if each.workload.name == workload]
    return found


def answers(line_up: LineUp, workload: str) -> list[dict[str, Any]]:
    asked = entry(line_up, workload)
    return [json.loads(ask(asked.running.url, body).body)["data"] for body in asked.workload.bodies()]


def test_every_workload_is_answered_rightly(line_up: LineUp) -> None:
    assert [each.workload for each in line_up.entries] == list(WORKLOADS)


def test_a_has_the_size_and_shape_of_the_public_benchmark(line_up: LineUp) -> None:
    [data] = answers(line_up, "A")
    visitors, featured = data["visitors"], data["featuredWorks"]
    notes = [note for visitor in visitors for note in visitor["notes"]]
    notes_of_works = [note for each in notes for note in each["work"]["notes"]]
    notes_of_writers = [note for each in notes_of_works for note in each["writer"]["notes"]]

    assert (len(visitors), len(featured)) == (6, 5)
    assert (len(notes), len(notes_of_works), len(notes_of_writers)) == (12, 48, 96)
    assert 85_000 < entry(line_up, "A").answer_bytes < 95_000


def test_b_is_about_users_and_ten_payments_each(line_up: LineUp) -> None:
    users = [data["user"] for data in answers(line_up, "B1")]
    pages = [data["users"] for data in answers(line_up, "B2")]

    assert [len(user["payments"]["edges"]) for user in users] == [10] * 20
    assert [[len(user["payments"]["edges"]) for user in page] for page in pages] == [[10] * 20] * 20


# A: of its 8 fetches two go to one subgraph at the same time, and travel in one request.
@pytest.mark.parametrize(("workload", "fetches"), [("A", 7), ("B1", 2), ("B2", 2), ("B3", 1)])
def test_requests_that_reach_the_subgraphs(line_up: LineUp, workload: str, fetches: int) -> None:
    asked = entry(line_up, workload)
    before = line_up.stub.counts()

    ask(asked.running.url, asked.workload.bodies()[0])

    after = line_up.stub.counts()
    assert after.answered - before.answered == fetches
    assert after.executed == before.executed  # the stub knows the answers by now


def test_the_supergraphs_are_what_composition_gives(tmp_path: Path) -> None:
    compose_into(tmp_path)

    composed, committed = (
        {file.name: file.read_text() for file in folder.glob("*.graphql")}
        for folder in (tmp_path, FEDERATIONS)
    )
    assert composed == committed
