"""The hostile corpus against the processes that `make run` starts: all is answered, in order, and nothing is lost by it.

How long an answer takes and what it costs others depends on what else the machine does; `python -m tests.hostile`
measures that. Here stand the bounds that no busy machine should pass, and no server that is taken in should meet.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.client import Client
from tests.e2e.running_system import RunningSystem, running_system
from tests.hostile.bombardment import Outcome, Target, bombard, quiet_run
from tests.hostile.corpus import hostile_requests
from tests.hostile.exchange import Address
from tests.hostile.half_sent import HALVES, half_sent, left_open
from tests.hostile.targets import sdl_of, targets_of

NAMES = ("users", "payments", "gateway")
MEMORY_MB = 32
STEADY_MB = 10
"""What a run may add to an equal one before it: the memory of documents is full by then."""
MOST_CPU_S = 20
"""A run takes two, whatever else the machine does. What explodes would take minutes."""
WITHIN_S = 60
LOOK_S = 0.1
"""Long enough to find closed what was closed before."""
REST_OF_A_REQUEST = (
    "GATEWAY_REQUEST_TIMEOUT_S",
    "GATEWAY_IDLE_CONNECTION_S",
    "REQUEST_TIMEOUT_SECONDS",
    "REQUEST_TIMEOUT_S",
)
"""The settings that say how long each service waits for it."""


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """A system of its own: what is thrown at it must not trouble other tests."""
    settings = dict.fromkeys(REST_OF_A_REQUEST, "600") | {
        "GATEWAY_PLANNING_TIMEOUT_S": "",  # the usual one: a flood of new documents is to be refused
    }
    with running_system(tmp_path_factory.mktemp("attacked"), environment=settings) as running:
        yield running


@pytest.fixture(scope="module")
def targets(attacked: RunningSystem) -> dict[str, Target]:
    return {target.name: target for target in targets_of(attacked)}


@pytest.fixture(scope="module", params=NAMES)
def runs(request: pytest.FixtureRequest, targets: dict[str, Target]) -> list[Outcome]:
    """One half of the corpus from somebody who is logged in; half of the other from strangers, and again.

    A whole one takes longer than it finds more; `python -m tests.hostile` sends it.
    """
    target = targets[request.param]
    corpus = hostile_requests(sdl_of(target.name))
    quiet_run(target)
    return [
        bombard(target, corpus[::2], token=target.token),
        bombard(target, corpus[1::4]),
        bombard(target, corpus[1::4]),
    ]


def test_every_request_is_answered_in_order(runs: list[Outcome]) -> None:
    assert len(runs[0].out_of_order) == 0, "\n".join(runs[0].out_of_order)
    assert [run.answered + run.cut_short for run in runs] == [run.sent for run in runs]
    assert [run.out_of_order for run in runs] == [[]] * len(runs)


def test_the_corpus_is_as_large_as_promised(runs: list[Outcome]) -> None:
    assert runs[0].sent > 400


def test_the_process_lives_on(runs: list[Outcome]) -> None:
    assert all(run.is_alive for run in runs)


def test_memory_stays(runs: list[Outcome]) -> None:
    first, second, third = (run.growth_mb for run in runs)

    assert first is not None
    assert second is not None
    assert third is not None
    assert first + second + third < MEMORY_MB
    assert third < STEADY_MB


def test_no_run_costs_much(runs: list[Outcome]) -> None:
    costs = [run.cpu_s for run in runs]

    assert all(cost is not None and cost < MOST_CPU_S for cost in costs), costs


def test_neighbours_get_right_answers_meanwhile(runs: list[Outcome]) -> None:
    assert [run.neighbour.wrong for run in runs] == [[]] * len(runs)
    assert all(run.neighbour.seconds for run in runs)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """A system that does not wait long for the rest of a request."""
    limits = dict.fromkeys(REST_OF_A_REQUEST, "2")
    with running_system(tmp_path_factory.mktemp("hasty"), environment=limits) as running:
        yield running


def url_of(system: RunningSystem, name: str) -> str:
    urls = {"users": system.users_url, "payments": system.payments_url, "gateway": system.gateway_url}
    return f"{urls[name]}/graphql"


@pytest.mark.parametrize("name", NAMES)
def test_half_sent_requests_keep_nobody_waiting(attacked: RunningSystem, name: str) -> None:
    """Who had to wait for them would do so until they are given up: for longer than a client waits here."""
    url = url_of(attacked, name)
    with half_sent(Address.of(url), [*HALVES.values()] * 100):
        answered = [Client(url).ask("{ __typename }") for _ in range(5)]

    assert answered == [{"data": {"__typename": "Query"}}] * 5


@pytest.mark.parametrize("name", NAMES)
def test_half_sent_requests_are_given_up(hasty: RunningSystem, attacked: RunningSystem, name: str) -> None:
    """As soon as the settings say: those of the other system, which waits for ten minutes, are open then."""
    with (
        half_sent(Address.of(url_of(attacked, name)), HALVES.values()) as patient,
        half_sent(Address.of(url_of(hasty, name)), [*HALVES.values()] * 100) as connections,
    ):
        assert left_open(connections, WITHIN_S) == 0
        assert left_open(patient, LOOK_S) == len(HALVES)


@pytest.mark.parametrize("name", NAMES)
def test_requests_that_never_end_are_given_up_too(
    hasty: RunningSystem, attacked: RunningSystem, name: str
) -> None:
    begun = [half for half in HALVES.values() if half]
    with (
        half_sent(Address.of(url_of(attacked, name)), begun) as patient,
        half_sent(Address.of(url_of(hasty, name)), begun) as connections,
    ):
        assert left_open(connections, WITHIN_S, trickle=b" ") == 0
        assert left_open(patient, LOOK_S) == len(begun)
