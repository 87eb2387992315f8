"""How an event stream lives and ends, at the ASGI side of it."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import pytest
from starlette.types import Message

from payment_subgraph.event_stream import EventStream

pytestmark = pytest.mark.anyio

STOPPED, EXPIRED = {"errors": ["stopped"]}, {"errors": ["expired"]}


class Client:
    """Takes what is sent until it *leaves*; one that is *stuck* takes nothing after the first piece."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.taken = b""
        self.leaves = asyncio.Event()
        self._stuck = stuck

    async def receive(self) -> Message:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self._stuck and self.taken:
            await asyncio.Event().wait()
        self.taken += message.get("body", b"")


class Answers:
    """Gives the *first* answers, then waits for one that never comes."""

    def __init__(self, *first: Mapping[str, Any]) -> None:
        self._first = first
        self.ended = False

    async def __call__(self) -> AsyncGenerator[Mapping[str, Any], None]:
        try:
            for answer in self._first:
                yield answer
            await asyncio.Event().wait()
        finally:
            self.ended = True


async def stream(answers: Answers, client: Client, **how: Any) -> None:
    usual = {"stopping": asyncio.Event(), "stopped": STOPPED, "expires_at": None, "expired": EXPIRED}
    events = EventStream(answers(), lambda answer: json.dumps(answer).encode(), **(usual | how))
    try:
        async with asyncio.timeout(60) as patience:
            await events({"type": "http"}, client.receive, client.send)
    finally:
        assert not patience.expired()


async def test_a_silent_stream_says_that_it_is_alive() -> None:
    answers, client = Answers({"data": 1}), Client()
    running = asyncio.create_task(stream(answers, client, keep_alive_s=0.01))
    while client.taken.count(b":\n\n") < 4:  # noqa: ASYNC110 - what was sent sets no event
        await asyncio.sleep(0.01)
    client.leaves.set()
    await running

    assert client.taken.startswith(b':\n\nevent: next\ndata: {"data": 1}\n\n:\n\n')
    assert answers.ended


async def test_who_hangs_up_is_told_nothing_more() -> None:
    answers, client = Answers(), Client()
    client.leaves.set()

    await stream(answers, client)

    assert b"complete" not in client.taken


async def test_the_last_word_of_one_that_expires() -> None:
    answers, client = Answers({"data": 1}), Client()

    await stream(answers, client, expires_at=time.time() + 0.05)

    assert client.taken.endswith(b'event: next\ndata: {"errors": ["expired"]}\n\nevent: complete\ndata: \n\n')
    assert answers.ended


async def test_one_that_has_expired_before_is_told_so_at_once() -> None:
    client = Client()

    await stream(Answers({"data": 1}), client, expires_at=time.time() - 1)

    assert b'{"data": 1}' not in client.taken
    assert b"expired" in client.taken


async def test_the_last_word_when_the_process_stops() -> None:
    answers, client, stopping = Answers(), Client(), asyncio.Event()
    stopping.set()

    await stream(answers, client, stopping=stopping)

    assert client.taken.endswith(b'event: next\ndata: {"errors": ["stopped"]}\n\nevent: complete\ndata: \n\n')
    assert answers.ended


async def test_a_client_that_takes_nothing_is_given_up() -> None:
    answers = Answers({"data": 1})

    with pytest.raises(TimeoutError):
        await stream(answers, Client(stuck=True), taken_within_s=0.05)

    assert answers.ended
