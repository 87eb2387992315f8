"""The side thread: once for everyone, the smallest first, nothing in vain, nobody waits for ever."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from gateway.errors import PlanningDelayed
from gateway.side_thread import SideThread

LONG_S = 60.0
"""Longer than any test."""


class Gate:
    """Work that ends when it is let go, and tells when it has begun."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.go.wait(LONG_S)
        return "through"


def later(seconds: float = LONG_S) -> float:
    return asyncio.get_running_loop().time() + seconds


async def started(awaitable: object) -> "asyncio.Task[object]":
    task = asyncio.ensure_future(awaitable)  # type: ignore[call-overload]
    await asyncio.sleep(0)
    return task  # type: ignore[no-any-return]


def test_the_loop_goes_on_meanwhile() -> None:
    async def run() -> object:
        gate = Gate()
        waiting = await started(SideThread().do("a", 1, gate, later()))
        assert await asyncio.to_thread(gate.begun.wait, LONG_S)
        gate.go.set()
        return await waiting

    assert asyncio.run(run()) == "through"


def test_what_several_ask_for_is_done_once() -> None:
    done: list[str] = []

    async def run() -> list[object]:
        thread, gate = SideThread(), Gate()
        first = await started(thread.do("gate", 1, gate, later()))
        others = [await started(thread.do("same", 1, lambda: done.append("x"), later())) for _ in range(3)]
        gate.go.set()
        return await asyncio.gather(first, *others)

    assert asyncio.run(run()) == ["through", None, None, None]
    assert done == ["x"]


def test_the_smallest_goes_first_and_of_equals_the_first() -> None:
    order: list[str] = []

    def note(name: str) -> Callable[[], None]:
        return lambda: order.append(name)

    async def run() -> None:
        thread, gate = SideThread(), Gate()
        tasks = [await started(thread.do("gate", 1, gate, later()))]
        for name, size in (("large", 9), ("small", 2), ("another small", 2), ("middle", 5)):
            tasks.append(await started(thread.do(name, size, note(name), later())))
        gate.go.set()
        await asyncio.gather(*tasks)

    asyncio.run(run())

    assert order == ["small", "another small", "middle", "large"]


def test_who_waited_long_enough_is_told_and_the_work_is_not_begun() -> None:
    done: list[str] = []

    async def run() -> None:
        thread, gate = SideThread(), Gate()
        first = await started(thread.do("gate", 1, gate, later()))
        with pytest.raises(PlanningDelayed):
            await thread.do("late", 1, lambda: done.append("late"), later(0.01))
        gate.go.set()
        await first
        await thread.do("next", 1, lambda: done.append("next"), later())

    asyncio.run(run())

    assert done == ["next"]


def test_one_who_leaves_does_not_take_the_work_from_the_others() -> None:
    async def run() -> object:
        thread, gate = SideThread(), Gate()
        leaving = await started(thread.do("gate", 1, gate, later()))
        staying = await started(thread.do("gate", 1, gate, later()))
        leaving.cancel()
        await asyncio.wait([leaving])
        gate.go.set()
        return await staying

    assert asyncio.run(run()) == "through"


def test_what_goes_wrong_is_raised_for_everyone_who_waits_and_the_next_is_done() -> None:
    def fail() -> None:
        raise LookupError("no")

    async def run() -> tuple[list[object], object]:
        thread, gate = SideThread(), Gate()
        first = await started(thread.do("gate", 1, gate, later()))
        failing = [await started(thread.do("bad", 1, fail, later())) for _ in range(2)]
        gate.go.set()
        await first
        results = await asyncio.gather(*failing, return_exceptions=True)
        return results, await thread.do("good", 1, lambda: "good", later())

    results, last = asyncio.run(run())

    assert [type(each) for each in results] == [LookupError, LookupError]
    assert last == "good"


def test_the_result_of_work_that_outlives_its_waiters_is_nobodys_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        thread, gate = SideThread(), Gate()

        def fail_at_last() -> None:
            gate()
            raise LookupError("no")

        with pytest.raises(PlanningDelayed):
            await thread.do("slow", 1, fail_at_last, later(0.01))
        gate.go.set()
        assert await thread.do("next", 1, lambda: "next", later()) == "next"

    asyncio.run(run())

    assert caplog.records == []
