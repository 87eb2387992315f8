"""Equal queries under way at the same moment travel once; what differs in anything that matters does not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.headers import Headers
from gateway.subgraphs.shared_requests import SharedRequests
from gateway.subgraphs.transport import Endpoint, Response, TransportFailed, endpoint_at
from tests.gateway.patience import LONG_S

USERS, PAYMENTS = endpoint_at("http://users/graphql"), endpoint_at("http://payments/graphql")
ADA: Headers = ((b"authorization", b"Bearer ada"),)
GRACE: Headers = ((b"authorization", b"Bearer grace"),)


class Subgraphs:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[Response]] = []
        self.sent: list[tuple[Endpoint, Headers, bytes, bool]] = []

    async def post(
        self, endpoint: Endpoint, headers: Headers, body: bytes, deadline: float, *, may_repeat: bool
    ) -> Response:
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self.asked.append(answer)
        self.sent.append((endpoint, headers, body, may_repeat))
        async with asyncio.timeout_at(deadline):
            return await answer

    async def aclose(self) -> None: ...

    def answer(self, number: int, body: bytes = b"{}") -> None:
        self.asked[number].set_result(Response(200, [], body))


def story(told: Callable[[SharedRequests, Subgraphs], Awaitable[None]]) -> None:
    async def tell() -> None:
        subgraphs = Subgraphs()
        await asyncio.wait_for(told(SharedRequests(subgraphs), subgraphs), 2 * LONG_S)

    asyncio.run(tell())


def asking(
    shared: SharedRequests,
    headers: Headers = ADA,
    body: bytes = b"{a}",
    endpoint: Endpoint = USERS,
    *,
    may_repeat: bool = True,
    within_s: float = LONG_S,
) -> "asyncio.Task[Response]":
    deadline = asyncio.get_running_loop().time() + within_s
    return asyncio.ensure_future(shared.post(endpoint, headers, body, deadline, may_repeat=may_repeat))


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_equal_queries_under_way_are_sent_once_and_all_get_the_answer() -> None:
    async def told(shared: SharedRequests, subgraphs: Subgraphs) -> None:
        waiting = [
            asking(shared, (*ADA, (b"x-request-id", b"1"), (b"traceparent", b"00-1"))),
            asking(shared, (*ADA, (b"x-request-id", b"2"))),
            asking(shared),
        ]
        await settle()
        assert subgraphs.sent == [
            (USERS, (*ADA, (b"x-request-id", b"1"), (b"traceparent", b"00-1")), b"{a}", True)
        ]

        subgraphs.answer(0, b"yes")

        assert [response.body for response in await asyncio.gather(*waiting)] == [b"yes"] * 3

    story(told)


@pytest.mark.parametrize(
    "other",
    [{"headers": GRACE}, {"headers": ()}, {"body": b"{b}"}, {"endpoint": PAYMENTS}, {"may_repeat": False}],
)
def test_another_caller_text_or_subgraph_and_a_mutation_are_asked_for_themselves(other: Any) -> None:
    async def told(shared: SharedRequests, subgraphs: Subgraphs) -> None:
        waiting = [asking(shared), asking(shared, **other)]
        await settle()

        assert len(subgraphs.asked) == 2
        subgraphs.answer(0, b"one")
        subgraphs.answer(1, b"two")
        assert [response.body for response in await asyncio.gather(*waiting)] == [b"one", b"two"]

    story(told)


def test_equal_mutations_are_sent_each() -> None:
    async def told(shared: SharedRequests, subgraphs: Subgraphs) -> None:
        waiting = [asking(shared, may_repeat=False) for _ in range(3)]
        await settle()

        assert len(subgraphs.asked) == 3
        for number in range(3):
            subgraphs.answer(number)
        await asyncio.gather(*waiting)

    story(told)


def test_a_query_after_an_answer_is_asked_anew() -> None:
    async def told(shared: SharedRequests, subgraphs: Subgraphs) -> None:
        first = asking(shared)
        await settle()
        subgraphs.answer(0)
        await first

        second = asking(shared)
        await settle()

        assert len(subgraphs.asked) == 2
        subgraphs.answer(1)
        await second

    story(told)


def test_a_query_after_a_mutation_does_not_join_one_from_before() -> None:
    async def told(shared: SharedRequests, subgraphs: Subgraphs) -> None:
        before, mutation = asking(shared), asking(shared, endpoint=PAYMENTS, may_repeat=False)
        await settle()
        subgraphs.answer(1)
        await mutation

        after = asking(shared)
        await settle()
        subgraphs.answer(0, b"old")
        subgraphs.answer(2, b"new")

        assert ((await before).body, (await after).body) == (b"old", b"new")

    story(told)


def test_if_the_one_who_asked_leaves_another_one_asks() -> None:
    async def told(shared: SharedRequests, subgraphs: Subgraphs) -> None:
        leaving, second, third = asking(shared), asking(shared), asking(shared)
        await settle()

        leaving.cancel()
        await settle()

        assert len(subgraphs.asked) == 2
        subgraphs.answer(1, b"yes")
        assert ((await second).body, (await third).body) == (b"yes", b"yes")
        assert leaving.cancelled()

    story(told)


def test_if_one_who_joined_leaves_the_others_stay() -> None:
    async def told(shared: SharedRequests, subgraphs: Subgraphs) -> None:
        first, leaving = asking(shared), asking(shared)
        await settle()

        leaving.cancel()
        await settle()
        subgraphs.answer(0, b"yes")

        assert (await first).body == b"yes"

    story(told)


def test_a_failure_is_everybodys() -> None:
    async def told(shared: SharedRequests, subgraphs: Subgraphs) -> None:
        waiting = [asking(shared), asking(shared)]
        await settle()

        subgraphs.asked[0].set_exception(TransportFailed("gone"))

        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in ended] == [TransportFailed, TransportFailed]
        assert len(subgraphs.asked) == 1

    story(told)


def test_each_waits_until_their_own_deadline() -> None:
    async def told(shared: SharedRequests, subgraphs: Subgraphs) -> None:
        patient_later, hasty = asking(shared), asking(shared, within_s=0.02)
        with pytest.raises(TimeoutError):
            await hasty
        subgraphs.answer(0)
        await patient_later

        hasty, patient = asking(shared, within_s=0.02), asking(shared)
        with pytest.raises(TimeoutError):
            await hasty
        await settle()
        subgraphs.answer(2, b"late")
        assert (await patient).body == b"late"

    story(told)
