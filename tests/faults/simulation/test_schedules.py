"""Random schedules of the real code in virtual time; each failure tells its seed, and the same seed fails again."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from payment_subgraph.crash_points import CrashPoint
from tests.faults.simulation.mutants import MUTANTS
from tests.faults.simulation.network import Weather
from tests.faults.simulation.schedule import Workbench, workbench

_SCHEDULES = 40
_DEATHS = 3
_WITHIN = 200
"""So many schedules are tried until one shows what a mutant breaks."""
_NOISY = Weather()
_LONELY = Weather(lost_answer=0.4, long_night=1.0)
_LOSSY = Weather(lost_answer=0.5, long_night=0)
_SLOW = Weather(
    lost_request=0, lost_answer=0, slow=0.4, broken=0, webhook_twice=0.6, death=0, suspension=0, long_night=0
)
_WEATHER = {"repost_after_24h": _LONELY, "delete_on_error": _LOSSY, "refetch_no_cas": _SLOW}


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    with workbench() as made:
        yield made


def test_all_becomes_right_whatever_goes_wrong(bench: Workbench) -> None:
    for seed in range(_SCHEDULES):
        outcome = bench.play(seed)
        assert outcome.is_right, outcome


_STEPS = [point for point in CrashPoint if not point.name.startswith("O")]
"""Nobody receives messages here; `tests/faults/test_outbox.py` has who dies while they are sent."""


@pytest.mark.parametrize("point", _STEPS, ids=lambda point: point.name)
def test_all_becomes_right_when_many_die_at_the_same_step(bench: Workbench, point: CrashPoint) -> None:
    deaths = 0
    for seed in range(_WITHIN):
        outcome = bench.play(seed, replace(_NOISY, death=0, deadly=point))
        assert outcome.is_right, outcome
        deaths += outcome.deaths.total()
        if deaths >= _DEATHS:
            return
    pytest.fail(f"nobody came to {point!r} in {_WITHIN} schedules")


def test_a_seed_plays_the_same_schedule_again(bench: Workbench) -> None:
    for seed in range(5):
        assert bench.play(seed, _LOSSY) == bench.play(seed, _LOSSY)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_mechanism_is_found(bench: Workbench, name: str) -> None:
    """And the unbroken code passes the schedule that shows it."""
    weather = _WEATHER.get(name, _NOISY)
    for seed in range(_WITHIN):
        with MUTANTS[name]():
            broken = bench.play(seed, weather)
        if broken.left:
            break
    else:
        pytest.fail(f"{_WITHIN} schedules did not show it")

    unbroken = bench.play(seed, weather)
    assert unbroken.is_right, unbroken
