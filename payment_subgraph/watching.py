"""Payments as they change, for any number of people who watch: a change is read once for all who watch that payment.

While nobody watches, nothing runs here; while nothing changes, who watches costs only memory.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Collection, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import Final

from payment_subgraph.changes import Changes, Heard
from payment_subgraph.loaders import Loaders
from payment_subgraph.payment import Payment
from payment_subgraph.watched_payments import Mark, WatchedPayments

log = logging.getLogger(__name__)

_AFTER_A_FAULT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class State:
    """How a payment was at one moment. *loaders* are common to all who are told of it."""

    payment: Payment
    mark: Mark
    loaders: Loaders


@dataclass(slots=True)
class _Watched:
    """*state* is None until the row was read; *changed* is another event for each state."""

    watchers: int = 0
    state: State | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Watching:
    """*new_loaders*: for each state, since loaders remember what they have loaded."""

    def __init__(
        self, changes: Changes, payments: WatchedPayments, new_loaders: Callable[[], Loaders]
    ) -> None:
        self._changes, self._payments, self._new_loaders = changes, payments, new_loaders
        self._watched: dict[str, _Watched] = {}
        self._due: set[str] = set()
        self._reading = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def states(self, payment_id: str) -> AsyncGenerator[State, None]:
        """The payment as it is now, then as it is after changes; none at all if there is no such payment.

        Whoever is slow misses what was in between, but never the newest.
        """
        with self._one_more(payment_id) as watched:
            await self._read({payment_id})
            told = None
            while (state := watched.state) is not None:
                if state is told:
                    await watched.changed.wait()
                else:
                    told = state
                    yield state

    async def close(self) -> None:
        self._follow_no_more()
        if self._ending:
            await asyncio.wait(self._ending)

    @contextmanager
    def _one_more(self, payment_id: str) -> Iterator[_Watched]:
        watched = self._watched.setdefault(payment_id, _Watched())
        watched.watchers += 1
        if self._following is None:
            self._following = asyncio.create_task(self._follow())
        try:
            yield watched
        finally:
            watched.watchers -= 1
            if not watched.watchers:
                del self._watched[payment_id]
            if not self._watched:
                self._follow_no_more()

    def _follow_no_more(self) -> None:
        """It has a connection to close yet, for which nobody who leaves has to wait."""
        if self._following is not None:
            self._following.cancel()
            self._ending.add(self._following)
            self._following.add_done_callback(self._ending.discard)
            self._following = None

    async def _follow(self) -> None:
        """Until it is cancelled. What was not heard meanwhile is found out when hearing begins again."""
        while True:
            try:
                async with aclosing(self._changes.heard()) as heard:
                    async for changed in heard:
                        await self._read(await self._outdated(changed))
            except Exception:
                log.exception("who watches is told nothing new for a moment")
            await asyncio.sleep(_AFTER_A_FAULT_S)

    async def _outdated(self, changed: Heard) -> Collection[str]:
        if changed is not None:
            return changed & self._watched.keys()
        marks = await self._payments.marks(list(self._watched))
        watched = self._watched.items()
        return {one for one, each in watched if each.state is None or each.state.mark != marks.get(one)}

    async def _read(self, ids: Collection[str]) -> None:
        """Returns when a reading that began after the call has been told. One at a time: none overtakes another."""
        self._due.update(ids)
        async with self._reading:
            due, self._due = self._due & self._watched.keys(), set()
            try:
                found = await self._payments.read(due) if due else ()
            except BaseException:  # also when only this caller has left
                self._due |= due  # for who waits for the same, and asks next
                raise
        for payment, mark in found:
            self._tell(payment, mark)

    def _tell(self, payment: Payment, mark: Mark) -> None:
        watched = self._watched.get(payment.id)
        if watched is None or (watched.state is not None and watched.state.mark == mark):
            return
        watched.state = State(payment, mark, self._new_loaders())
        changed, watched.changed = watched.changed, asyncio.Event()
        changed.set()
