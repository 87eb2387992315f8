"""Of a subgraph's answer, only headers of an allow-list reach the client, and by default none."""

import asyncio

import httpx
import pytest

from gateway.app import create_app
from gateway.errors import SettingsError
from gateway.settings import Settings, read_settings
from tests.gateway.over_asgi import ask
from tests.gateway.test_entities import library
from tests.gateway.testbed import Federation, unhurried

PARTS = "{ book(isbn: 1) { title isLent } }"


def answering(books: list[tuple[str, str]], loans: list[tuple[str, str]]) -> Federation:
    """A library whose subgraphs say these headers."""
    federation = library()

    def with_headers(name: str, headers: list[tuple[str, str]]):  # type: ignore[no-untyped-def]
        async def answer(request: httpx.Request) -> httpx.Response:
            del federation.broken[name]
            plain = await federation.handle_async_request(request)
            return httpx.Response(200, headers=headers, content=plain.content)

        return answer

    federation.broken = {"books": with_headers("books", books), "loans": with_headers("loans", loans)}
    return federation


def passed(federation: Federation, settings: Settings, *names: str) -> list[tuple[str, str]]:
    response = ask(federation, settings, json={"query": PARTS})
    assert "errors" not in response.json()
    return [(name, value) for name, value in response.headers.multi_items() if name in names]


COOKIES = [("Set-Cookie", "a=1; HttpOnly"), ("X-Powered-By", "PHP/4"), ("X-Cost", "3")]


def test_by_default_none_comes_up() -> None:
    assert passed(answering(COOKIES, COOKIES), unhurried(), "set-cookie", "x-powered-by", "x-cost") == []


def test_the_allowed_ones_come_up_from_every_subgraph_and_equal_ones_once() -> None:
    settings = read_settings({"GATEWAY_RESPONSE_HEADERS": "Set-Cookie, x-cost"})
    federation = answering(COOKIES, [("set-cookie", "b=2"), ("x-cost", "3")])

    assert passed(federation, settings, "set-cookie", "x-powered-by", "x-cost") == [
        ("set-cookie", "a=1; HttpOnly"),
        ("set-cookie", "b=2"),
        ("x-cost", "3"),
    ]


def test_one_request_sees_nothing_of_another() -> None:
    settings = unhurried(response_headers=frozenset({"set-cookie"}))
    federation = answering(COOKIES, [])

    assert passed(federation, settings, "set-cookie") == [("set-cookie", "a=1; HttpOnly")]
    assert passed(federation, settings, "set-cookie") == []


def test_two_who_ask_the_same_at_once_get_each_their_own() -> None:
    """A subgraph may begin a session in each answer: nobody may get another one's."""
    federation = library()
    both_are_here = asyncio.Barrier(2)
    cookies = iter(("session=1", "session=2"))

    async def begin_session(request: httpx.Request) -> httpx.Response:
        del request
        await both_are_here.wait()
        return httpx.Response(
            200, headers={"set-cookie": next(cookies)}, json={"data": {"book": {"title": "Emma"}}}
        )

    federation.broken = {"books": begin_session}
    settings = unhurried(response_headers=frozenset({"set-cookie"}))

    async def visits() -> list[str | None]:
        app = create_app(federation.supergraph, settings, federation)
        query = {"query": "{ book(isbn: 1) { title } }"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            answers = await asyncio.gather(*(client.post("/graphql", json=query) for _ in range(2)))
        return [each.headers.get("set-cookie") for each in answers]

    # Here one client holds both cookies: what counts is that each came in an answer of its own.
    assert sorted(str(each) for each in asyncio.run(visits())) == ["session=1", "session=2"]


@pytest.mark.parametrize(
    "name",
    [
        "content-length",
        "Transfer-Encoding",
        "connection",
        "content-type",
        "x-request-id",
        "access-control-allow-origin",
        "vary",
        "cache-control",
    ],
)
def test_headers_of_the_gateways_own_are_not_passed_on(name: str) -> None:
    with pytest.raises(SettingsError, match="GATEWAY_RESPONSE_HEADERS"):
        read_settings({"GATEWAY_RESPONSE_HEADERS": f"set-cookie,{name}"})
