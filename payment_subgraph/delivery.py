"""Delivers the outbox: each message signed and posted to the one receiver, until it answers 2xx.

A process may die after the message went out and before that is written. It goes out again then, under the same id:
at least once is what can be promised, and the receiver drops what it has.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import httpx

from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.outbox import Outbox
from payment_subgraph.outbox_message import OutboxMessage, retry_after
from payment_subgraph.receiver_health import ReceiverHealth
from payment_subgraph.webhook_signature import signed_headers

log = logging.getLogger(__name__)

BATCH: Final = 10
MAX_ANSWER_BYTES: Final = 64 * 1024
"""An answer is read so far, for its connection to be used again; what it says is of no interest."""
_GONE_FOR: Final = timedelta(hours=1)
_SLOW_DOWN: Final = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where messages go, and the keys they are signed with: two while one is being replaced."""

    url: str = field(repr=False)
    keys: Sequence[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _NotTaken:
    """*wait*: what the receiver asked for. *closed*: for how long none should be sent to it."""

    error: str
    wait: timedelta = timedelta(0)
    closed: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Any number of these may run."""

    outbox: Outbox
    client: httpx.AsyncClient
    receiver: Receiver
    clock: Callable[[], datetime]
    health: ReceiverHealth = field(default_factory=ReceiverHealth)
    chance: Callable[[], float] = random.random

    async def round(self) -> int:
        """Deliver what is due; how many messages the receiver took. A fault is left to the next round."""
        try:
            return await self._deliver_due()
        except Exception:
            log.exception("messages could not be delivered")
            return 0

    async def _deliver_due(self) -> int:
        now = self.clock()
        if self.health.closed(now):
            return 0
        messages = await self.outbox.claim(1 if self.health.down else BATCH)
        if not messages:
            return 0
        crash_point(CrashPoint.O1_CLAIMED, "OUTBOX")
        refusals = await asyncio.gather(*(self._deliver(message) for message in messages))
        self._judge_receiver(refusals)
        return refusals.count(None)

    async def _deliver(self, message: OutboxMessage) -> _NotTaken | None:
        refused = await self._send(message)
        crash_point(CrashPoint.O2_SENT, "OUTBOX")
        if refused is None:
            await self.outbox.delivered(message)
            crash_point(CrashPoint.O3_MARKED, "OUTBOX")
        else:
            await self._not_taken(message, refused)
        return refused

    async def _send(self, message: OutboxMessage) -> _NotTaken | None:
        """None: it was taken. The time of the try is signed too, so it is signed anew at each."""
        now, body = self.clock(), message.payload.encode()
        headers = signed_headers(self.receiver.keys, message.id, int(now.timestamp()), body)
        headers |= {"content-type": "application/json", "user-agent": "modular-payment-system"}
        try:
            async with (
                asyncio.timeout(self.outbox.patience.timeout.total_seconds()),
                self.client.stream(
                    "POST",
                    self.receiver.url,
                    content=body,
                    headers=headers,
                    follow_redirects=False,
                    timeout=None,  # the time above is for all of it, and no single step has less
                ) as answer,
            ):
                await _read_a_little(answer)
        except TimeoutError:
            return _NotTaken("no answer in time")
        except httpx.HTTPError as error:  # its text may hold the address, with a password in it
            return _NotTaken(f"not reached: {type(error).__name__}")
        return None if answer.is_success else self._refusal(answer, now)

    def _refusal(self, answer: httpx.Response, now: datetime) -> _NotTaken:
        said = f"answered {answer.status_code}"
        if answer.status_code == httpx.codes.GONE:
            return _NotTaken(said, closed=_GONE_FOR)
        wait = retry_after(answer.headers.get("retry-after"), now)
        return _NotTaken(said, wait, wait if answer.status_code in _SLOW_DOWN else timedelta(0))

    async def _not_taken(self, message: OutboxMessage, refused: _NotTaken) -> None:
        if self.outbox.patience.given_up(message.attempts):
            log.error("ALERT message %s (%s) given up: %s", message.id, message.type, refused.error)
            await self.outbox.give_up(message, refused.error)
            return
        now = self.clock()
        until = self.outbox.patience.next_try(message.attempts, now, self.chance, refused.wait)
        log.warning("message %s (%s) was not taken: %s", message.id, message.type, refused.error)
        await self.outbox.put_off(message, until, refused.error)

    def _judge_receiver(self, refusals: Sequence[_NotTaken | None]) -> None:
        """One that took any of them is there. What it asked for is heeded in any case."""
        now, was_down = self.clock(), self.health.down
        refused = [refusal for refusal in refusals if refusal is not None]
        if len(refused) < len(refusals):
            self.health.took()
        else:
            self.health.failed(now)
        worst = max(refused, key=lambda one: one.closed, default=_NotTaken(""))
        self.health.leave_alone(now, worst.closed)
        if worst.closed >= _GONE_FOR:
            log.error("ALERT the receiver of the outbox %s: it is left alone for an hour", worst.error)
        elif self.health.down and not was_down:
            log.error("ALERT the receiver of the outbox takes nothing (%s): messages wait", worst.error)


async def _read_a_little(answer: httpx.Response) -> None:
    """As it came, not unpacked. What is longer is not read, and the connection is closed."""
    read = 0
    async for part in answer.aiter_raw():
        read += len(part)
        if read > MAX_ANSWER_BYTES:
            return
