"""Headers that only a mutation carries, and only to and from the subgraph that is set to have them."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest

from gateway.app import create_app
from gateway.errors import SettingsError
from gateway.settings import Settings, read_settings
from tests.gateway.over_asgi import ask
from tests.gateway.test_entities import library
from tests.gateway.test_requests import changing
from tests.gateway.testbed import Federation

DOWN, UP = "SUBGRAPH_MUTATION_REQUEST_HEADERS_", "SUBGRAPH_MUTATION_RESPONSE_HEADERS_"
SET = {DOWN + "BOOKS": "Cookie, x-refresh-token", UP + "BOOKS": "Set-Cookie"}
GIVEN = (("cookie", "refresh_token=secret"), ("x-refresh-token", "cookie"), ("x-other", "no"))

ADD = 'mutation { addBook(isbn: "2", title: "x") { title isLent } }'
LEND = 'mutation { lend(isbn: 1, member: "m") { days book { title } } }'
BOOK = "{ book(isbn: 1) { title isLent } }"


def seen(federation: Federation, query: str, **environment: str) -> dict[str, list[dict[str, str]]]:
    """What each subgraph saw of GIVEN, request by request."""
    response = ask(federation, read_settings(environment or SET), headers=GIVEN, json={"query": query})
    assert "errors" not in response.json(), response.json()
    names = [name for name, _ in GIVEN]
    return {
        name: [{each: headers[each] for each in names if each in headers} for headers in subgraph.headers]
        for name, subgraph in federation.subgraphs.items()
        if subgraph.headers
    }


def setting_cookies(federation: Federation, subgraph: str, cookies: Sequence[str]) -> Federation:
    """The subgraph says one of the cookies with each answer."""
    left = iter(cookies)

    async def answer(request: httpx.Request) -> httpx.Response:
        del federation.broken[subgraph]
        plain = await federation.handle_async_request(request)
        federation.broken[subgraph] = answer
        return httpx.Response(200, headers=[("set-cookie", next(left))], content=plain.content)

    federation.broken[subgraph] = answer
    return federation


def cookies_after(federation: Federation, query: str, **others: str) -> list[str]:
    response = ask(federation, read_settings(SET), json={"query": query}, **others)  # type: ignore[arg-type]
    return response.headers.get_list("set-cookie")


def test_by_default_mutations_carry_no_more_than_queries() -> None:
    federation, _ = changing()

    assert seen(federation, ADD, GATEWAY_METRICS="local") == {"books": [{}], "loans": [{}]}


def test_a_mutation_carries_them_to_its_subgraph_and_what_it_asks_further_does_not() -> None:
    federation, _ = changing()

    assert seen(federation, ADD) == {
        "books": [{"cookie": "refresh_token=secret", "x-refresh-token": "cookie"}],
        "loans": [{}],
    }


def test_a_mutation_of_another_subgraph_and_a_query_carry_none() -> None:
    federation, _ = changing()

    assert seen(federation, LEND) == {"loans": [{}], "books": [{}]}
    assert seen(library(), BOOK) == {"books": [{}], "loans": [{}]}


def test_the_answers_to_all_mutations_come_up_in_their_order() -> None:
    federation, _ = changing()
    twice = 'mutation { a: addBook(isbn: "1", title: "x") { isbn } lend(isbn: 1, member: "m") { days } %s }'
    again = 'b: addBook(isbn: "2", title: "y") { isbn }'
    cookies = ["refresh_token=1", "refresh_token=2"]

    assert cookies_after(setting_cookies(federation, "books", cookies), twice % again) == cookies


def test_of_equal_cookies_the_last_one_counts() -> None:
    """Cleared, set, cleared: a client that sees the clearing before the setting only would keep the cookie."""
    federation, _ = changing()
    settings = read_settings({UP + "BOOKS": "set-cookie", UP + "LOANS": "set-cookie"})
    setting_cookies(federation, "books", ["c=", "c="])
    setting_cookies(federation, "loans", ["c=1"])
    query = """mutation { a: addBook(isbn: "1", title: "x") { isbn } lend(isbn: 1, member: "m") { days }
      b: addBook(isbn: "2", title: "y") { isbn } }"""

    response = ask(federation, settings, json={"query": query})

    assert response.headers.get_list("set-cookie") == ["c=1", "c="]


def test_what_a_subgraph_says_to_anything_else_does_not_come_up() -> None:
    federation, _ = changing()
    of_another = setting_cookies(federation, "loans", ["c=1"])

    assert cookies_after(of_another, LEND) == []
    assert cookies_after(setting_cookies(library(), "books", ["c=1"]), BOOK) == []
    further, _ = changing()  # what a mutation of another subgraph asks here
    assert cookies_after(setting_cookies(further, "books", ["c=1"]), LEND) == []


def test_a_get_never_mutates_and_so_carries_none() -> None:
    federation, done = changing()
    response = ask(federation, read_settings(SET), method="GET", headers=GIVEN, params={"query": ADD})

    assert response.status_code == 405
    assert (done, federation.subgraphs["books"].headers) == ([], [])


def test_a_stream_carries_none_either_way() -> None:
    """It has begun before the mutation is answered, so a cookie could not come up any more."""
    federation, done = changing()
    headers = [*GIVEN, ("accept", "text/event-stream")]

    response = ask(federation, read_settings(SET), headers=headers, json={"query": ADD})

    assert done == ["add 2"]
    assert response.headers["content-type"].startswith("text/event-stream")
    assert "cookie" not in federation.subgraphs["books"].headers[0]


def test_no_answer_with_a_cookie_may_be_kept_by_a_cache() -> None:
    federation, _ = changing()
    setting_cookies(federation, "books", ["c=1"])

    response = ask(federation, read_settings(SET), json={"query": ADD})

    assert (response.headers["set-cookie"], response.headers["cache-control"]) == ("c=1", "no-store")


def test_two_who_mutate_alike_at_once_get_each_their_own() -> None:
    federation, _ = changing()
    setting_cookies(federation, "books", [f"session={number}" for number in range(8)])

    async def visits() -> list[str]:
        app = create_app(federation.supergraph, read_settings(SET), federation)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            mutation = {"query": 'mutation { addBook(isbn: "2", title: "x") { title } }'}
            answers = await asyncio.gather(*(client.post("/graphql", json=mutation) for _ in range(8)))
        return [cookie for each in answers for cookie in each.headers.get_list("set-cookie")]

    assert sorted(asyncio.run(visits())) == [f"session={number}" for number in range(8)]


def test_pages_of_allowed_origins_may_send_them_and_no_others_are_asked_for() -> None:
    preflight = [("origin", "https://shop.example"), ("access-control-request-method", "POST")]
    with_cors = {**SET, "GATEWAY_CORS_ORIGINS": "https://shop.example"}

    allowed = ask(library(), read_settings(with_cors), method="OPTIONS", headers=preflight)
    refused = ask(library(), read_settings(SET), method="OPTIONS", headers=preflight)

    assert "x-refresh-token" in allowed.headers["access-control-allow-headers"].split(", ")
    assert (refused.status_code, "access-control-allow-headers" in refused.headers) == (405, False)


def test_connection_must_not_name_one_of_them() -> None:
    federation, done = changing()
    headers = [*GIVEN, ("connection", "x-refresh-token")]

    response = ask(federation, read_settings(SET), headers=headers, json={"query": ADD})

    assert (response.status_code, done) == (400, [])


@pytest.mark.parametrize("variable", [DOWN + "USERS", UP + "USERS"], ids=["request", "response"])
@pytest.mark.parametrize(
    "name", ["content-length", "Transfer-Encoding", "connection", "content-type", "x-request-id"]
)
def test_headers_of_the_gateways_own_cannot_be_named(variable: str, name: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        read_settings({variable: f"cookie,{name}"})


@pytest.mark.parametrize("name", ["host", "Accept-Encoding", "te"])
def test_headers_of_one_connection_cannot_go_down(name: str) -> None:
    with pytest.raises(SettingsError, match=DOWN + "USERS"):
        read_settings({DOWN + "USERS": name})


def test_empty_is_not_set() -> None:
    assert read_settings({DOWN + "USERS": " ", UP + "USERS": ""}) == Settings()
