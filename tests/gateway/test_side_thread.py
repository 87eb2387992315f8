"""The side thread: once for everyone, the smallest first, nothing in vain, nobody waits for ever."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

from gateway.errors import PlanningDelayed
from gateway.side_thread import SideThread
from tests.gateway.patience import LONG_S

T = TypeVar("T")


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


async def do(
    thread: SideThread, key: str, work: Callable[[], T], *, size: int = 1, until: float | None = None
) -> T:
    return await thread.do(key, size, work, lambda made: made, later() if until is None else until)


async def started(awaitable: object) -> "asyncio.Task[object]":
    task = asyncio.ensure_future(awaitable)  # type: ignore[call-overload]
    await asyncio.sleep(0)
    return task  # type: ignore[no-any-return]


async def left(task: "asyncio.Task[object]") -> None:
    """Its waiter is gone."""
    task.cancel()
    await asyncio.wait([task])


def test_the_loop_goes_on_meanwhile() -> None:
    async def run() -> object:
        gate = Gate()
        waiting = await started(do(SideThread(), "a", gate))
        assert await asyncio.to_thread(gate.begun.wait, LONG_S)
        gate.go.set()
        return await waiting

    assert asyncio.run(run()) == "through"


def test_what_several_ask_for_is_done_once() -> None:
    done: list[str] = []

    async def run() -> list[object]:
        thread, gate = SideThread(), Gate()
        first = await started(do(thread, "gate", gate))
        others = [await started(do(thread, "same", lambda: done.append("x"))) for _ in range(3)]
        gate.go.set()
        return await asyncio.gather(first, *others)

    assert asyncio.run(run()) == ["through", None, None, None]
    assert done == ["x"]


def test_small_ones_go_first_as_they_came_then_large_ones_by_their_size() -> None:
    order: list[str] = []

    def note(name: str) -> Callable[[], None]:
        return lambda: order.append(name)

    async def run() -> None:
        thread, gate = SideThread(), Gate()
        tasks = [await started(do(thread, "gate", gate))]
        for name, size in (("large", 9_000), ("small", 20), ("smaller", 2), ("middle", 5_000)):
            tasks.append(await started(do(thread, name, note(name), size=size)))
        gate.go.set()
        await asyncio.gather(*tasks)

    asyncio.run(run())

    assert order == ["small", "smaller", "middle", "large"]


def test_who_waited_long_enough_is_told_and_the_work_is_not_begun() -> None:
    done: list[str] = []

    async def run() -> None:
        thread, gate = SideThread(), Gate()
        first = await started(do(thread, "gate", gate))
        with pytest.raises(PlanningDelayed):
            await do(thread, "late", lambda: done.append("late"), until=later(0.01))
        gate.go.set()
        await first
        await do(thread, "next", lambda: done.append("next"))

    asyncio.run(run())

    assert done == ["next"]


def test_what_has_begun_in_time_is_waited_for_however_slow_it_is() -> None:
    async def run() -> object:
        gate = Gate()
        waiting = await started(do(SideThread(), "a", gate, until=later(0)))
        assert await asyncio.to_thread(gate.begun.wait, LONG_S)
        gate.go.set()
        return await waiting

    assert asyncio.run(run()) == "through"


def test_a_halt_of_the_machine_is_nobodys_delay() -> None:
    """The thread is free and the time is over: both are found at once by a loop that stood still."""

    async def run() -> object:
        thread, gate = SideThread(), Gate()
        first = await started(do(thread, "gate", gate))
        until = later(0.01)
        next_one = await started(do(thread, "next", lambda: "next", until=until))
        gate.go.set()
        thread._executor.submit(str).result()  # what was before it has ended
        while asyncio.get_running_loop().time() < until:
            pass
        await first
        return await next_one

    assert asyncio.run(run()) == "next"


def test_one_who_leaves_does_not_take_the_work_from_the_others() -> None:
    async def run() -> object:
        thread, gate = SideThread(), Gate()
        leaving = await started(do(thread, "gate", gate))
        staying = await started(do(thread, "gate", gate))
        await left(leaving)
        gate.go.set()
        return await staying

    assert asyncio.run(run()) == "through"


def test_what_goes_wrong_is_raised_for_everyone_who_waits_and_the_next_is_done() -> None:
    def fail() -> None:
        raise LookupError("no")

    async def run() -> tuple[list[object], object]:
        thread, gate = SideThread(), Gate()
        first = await started(do(thread, "gate", gate))
        failing = [await started(do(thread, "bad", fail)) for _ in range(2)]
        gate.go.set()
        await first
        results = await asyncio.gather(*failing, return_exceptions=True)
        return results, await do(thread, "good", lambda: "good")

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

        await left(await started(do(thread, "slow", fail_at_last)))
        gate.go.set()
        assert await do(thread, "next", lambda: "next") == "next"

    asyncio.run(run())

    assert caplog.records == []


def test_what_outlives_its_waiters_is_kept() -> None:
    kept: list[str] = []

    async def run() -> None:
        thread, gate = SideThread(), Gate()
        await left(await started(thread.do("slow", 1, gate, kept.append, later())))
        gate.go.set()
        await do(thread, "next", lambda: "next")

    asyncio.run(run())

    assert kept == ["through"]
