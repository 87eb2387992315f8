"""What was made for a text is kept, refusals too; and what takes long to make keeps nobody else waiting."""

import asyncio
import json
from typing import Any

import pytest

from gateway.errors import BadRequest, PlanTooComplex, RequestError, TooCostly
from gateway.kept_work import Cache, KeptWork
from gateway.operations.answer import Answer
from gateway.operations.request import Request
from gateway.side_thread import SideThread
from gateway.supergraph.authorization import NONE
from tests.gateway.hostile_supergraphs import explosions
from tests.gateway.test_entities import library
from tests.gateway.test_side_thread import Gate, do, started
from tests.gateway.testbed import Federation, unhurried

LARGE = "{ me { " + "loans { days } " * 200 + "} }"
LARGE_AND_WRONG = "{ me { " + "loans { days } " * 200 + "nothing } }"


def test_the_least_recently_used_give_way() -> None:
    cache = Cache[str, int](3)
    for name in "abc":
        cache.put(name, 1, weight=1)
    cache.get("a")

    cache.put("d", 1, weight=1)

    assert cache.recent(2) == ["a", "d"]
    assert [name for name in "abcd" if cache.get(name)] == ["a", "c", "d"]


def test_what_is_asked_for_again_stays_whatever_comes_by_once() -> None:
    cache = Cache[str, int](10)
    for name in "abc":
        cache.put(name, 1, weight=1)
        cache.get(name)

    for number in range(100):
        cache.put(f"once {number}", 1, weight=1 + number % 7)

    assert [name for name in "abc" if cache.get(name)] == ["a", "b", "c"]


def test_one_heavy_thing_drives_out_nothing_that_is_in_use() -> None:
    cache = Cache[str, int](10)
    for name in "abc":
        cache.put(name, 1, weight=1)
        cache.get(name)

    cache.put("heavy", 1, weight=9)
    cache.get("heavy")
    cache.put("d", 1, weight=1)

    assert [name for name in "abc" if cache.get(name)] == ["a", "b", "c"]


def test_what_was_asked_for_again_long_ago_gives_way_in_the_end() -> None:
    cache = Cache[str, int](10)
    for number in range(20):
        cache.put(str(number), 1, weight=1)
        cache.get(str(number))

    assert len(cache) == 10
    assert [name for name in map(str, range(20)) if cache.get(name)] == list(map(str, range(10, 20)))


def test_what_is_heavier_than_all_together_is_not_kept() -> None:
    cache = Cache[str, int](3)
    cache.put("a", 1, weight=1)

    cache.put("heavy", 1, weight=4)

    assert (cache.get("a"), cache.get("heavy"), len(cache)) == (1, None, 1)


def test_a_refusal_is_kept_and_is_another_error_each_time() -> None:
    made: list[str] = []

    def refuse() -> int:
        made.append("x")
        raise TooCostly(7, 5)

    work = KeptWork[str, int](10, SideThread())
    raised: list[RequestError] = []
    with pytest.raises(TooCostly) as first:
        work.make("a", refuse, lambda _: 1)
    raised.append(first.value)
    for _ in range(2):
        with pytest.raises(TooCostly) as again:
            work.get("a")
        raised.append(again.value)

    assert made == ["x"]
    assert len(set(map(id, raised))) == 3
    assert all(each.formatted() == raised[0].formatted() for each in raised)


def test_the_kept_refusal_holds_nothing_of_the_request_it_came_from() -> None:
    def refuse() -> int:
        raise BadRequest("no")

    work = KeptWork[str, int](10, SideThread())
    with pytest.raises(BadRequest):
        work.make("a", refuse, lambda _: 1)

    kept = work._kept.get("a")
    assert isinstance(kept, BadRequest)
    assert (kept.__traceback__, kept.__context__, kept.__cause__) == (None, None, None)


def answers_in_order(federation: Federation, *queries: str) -> list[str]:
    """The operations, sent at once, in the order in which they were answered."""
    answered: list[str] = []

    async def ask(query: str) -> None:
        await federation.pipeline.answer(Request(query))
        answered.append(query)

    async def run() -> None:
        await asyncio.gather(*map(ask, queries))

    asyncio.run(run())
    return answered


def test_what_is_known_waits_for_nothing_that_is_not() -> None:
    federation = library()
    answers_in_order(federation, "{ me { id } }")

    assert answers_in_order(federation, LARGE, "{ me { id } }") == ["{ me { id } }", LARGE]


def test_small_operations_are_read_in_the_order_in_which_they_came() -> None:
    asked = ["{ me { id loans { days } } }", "{ me { loans { days } } }", "{ me { id } }", "{ a: me { id } }"]

    assert answers_in_order(library(), *asked) == asked


def test_small_operations_are_read_before_large_ones_that_wait_as_well() -> None:
    federation = library()

    answered = answers_in_order(federation, LARGE, LARGE_AND_WRONG, "{ me { id } }")

    assert answered.index("{ me { id } }") < answered.index(LARGE_AND_WRONG)


def answer(federation: Federation, query: str) -> dict[str, Any]:
    return json.loads(asyncio.run(federation.pipeline.answer(Request(query))).encoded())  # type: ignore[no-any-return]


@pytest.mark.parametrize("query", [LARGE, "{ me { loans { days } } }"])
def test_large_and_small_are_answered_alike(query: str) -> None:
    federation = library()

    assert answer(federation, query) == answer(federation, query) == federation.truth(query)


@pytest.mark.parametrize("query", ["{ me { nothing } }", LARGE_AND_WRONG, "{", "{ me { " + "id " * 9_000])
def test_what_was_refused_once_is_refused_without_reading_it_again(query: str) -> None:
    federation = library()
    first = answer(federation, query)

    with pytest.raises(RequestError) as kept:
        federation.pipeline._operations._kept.get((query, None))

    assert kept.value.formatted() == first["errors"]
    assert answer(federation, query) == first


def test_a_plan_that_is_refused_is_not_sought_again() -> None:
    supergraph, query = explosions()["deep parts"]
    federation = library()
    pipeline = federation.pipeline.__class__(supergraph, federation.pipeline._client, unhurried())

    async def ask() -> bytes:
        return (await pipeline.answer(Request(query))).encoded()

    first = asyncio.run(ask())

    with pytest.raises(PlanTooComplex):
        pipeline._plans._kept.get((query, None, (), frozenset(), NONE))
    assert b"PLAN_TOO_COMPLEX" in first
    assert asyncio.run(ask()) == first


def test_an_operation_whose_turn_does_not_come_in_time_is_to_be_sent_again() -> None:
    base = library()
    settings = unhurried(planning_timeout_s=0.01)
    federation = Federation("library", list(base.world.objects), base.world.roots, settings=settings)

    async def ask_behind_another() -> Answer:
        gate = Gate()
        another = await started(do(federation.pipeline._operations._kept._thread, "another", gate))
        answer = await federation.pipeline.answer(Request(LARGE))
        gate.go.set()
        await another
        return answer

    refused = asyncio.run(ask_behind_another())

    assert refused.errors[0]["extensions"] == {"code": "PLANNING_DELAYED"}
    assert (refused.status, refused.retry_after_s) == (503, 1)


def test_an_operation_that_nobody_else_keeps_waiting_is_answered_however_slow_the_machine() -> None:
    base = library()
    settings = unhurried(planning_timeout_s=0.000_001)
    federation = Federation("library", list(base.world.objects), base.world.roots, settings=settings)

    assert answer(federation, LARGE) == federation.truth(LARGE)
