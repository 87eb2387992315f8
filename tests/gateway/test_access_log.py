"""One line of JSON for each request."""

import asyncio
import io
import json
import logging
from typing import Any

import httpx
import pytest

from gateway.app import Observers, create_app
from gateway.telemetry import access_log
from gateway.telemetry.access_log import AccessLog
from tests.gateway.patience import LONG_S
from tests.gateway.test_entities import library
from tests.gateway.testbed import Federation

NAMED = "query Named($isbn: ID!) { book(isbn: $isbn) { title } }"


def lines_of(*requests: httpx.Request, federation: Federation | None = None) -> list[dict[str, Any]]:
    """What stands in the log after these requests."""
    federation = federation or library()
    out = io.BytesIO()
    log = AccessLog(out)

    async def send() -> None:
        app = create_app(federation.supergraph, federation.settings, federation, observers=Observers(log))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            for request in requests:
                await client.send(request)

    asyncio.run(send())
    log.close()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def post(query: str, headers: dict[str, str] | None = None, **parameters: Any) -> httpx.Request:
    return httpx.Request(
        "POST", "http://gateway/graphql", json={"query": query} | parameters, headers=headers
    )


def test_a_line_says_what_was_asked_for_and_what_came_of_it() -> None:
    (line,) = lines_of(post(NAMED, {"x-request-id": "r-1"}, variables={"isbn": 1}))

    assert line.pop("ms") >= 0
    assert line.pop("time").endswith("Z")
    assert line == {
        "method": "POST", "path": "/graphql", "status": 200, "requestId": "r-1", "operation": "Named", "planCached": False,
    }  # fmt: skip


def test_it_says_whether_the_plan_was_in_the_cache() -> None:
    first, second = lines_of(post(NAMED, variables={"isbn": 1}), post(NAMED, variables={"isbn": 2}))

    assert (first["planCached"], second["planCached"]) == (False, True)


def test_it_never_holds_variables_tokens_queries_or_query_strings() -> None:
    lines = lines_of(
        post(NAMED, {"authorization": "Bearer hush"}, variables={"isbn": "hidden"}, operationName="Named"),
        httpx.Request("GET", "http://gateway/graphql?query={me{id}}&variables={}"),
        httpx.Request("GET", "http://gateway/graphiql?access_token=hush"),
        post("{ secretField }"),
    )

    text = json.dumps(lines)
    assert len(lines) == 4
    assert not [word for word in ("hidden", "hush", "title", "me{", "secretField", "?") if word in text]


def test_a_refused_request_has_the_name_the_client_gave_it() -> None:
    (line,) = lines_of(post("{ nothing }", operationName="Mine"))

    assert line["operation"] == "Mine"
    assert "planCached" not in line


def test_an_operation_or_path_of_any_length_does_not_fill_it() -> None:
    lines = lines_of(
        post("{ nothing }", operationName="x" * 100_000),
        httpx.Request("GET", f"http://gateway/{'y' * 10_000}"),
    )

    assert max(len(json.dumps(line)) for line in lines) < 500


def test_a_page_has_no_operation() -> None:
    (line,) = lines_of(httpx.Request("GET", "http://gateway/healthz"))

    assert not {"operation", "planCached"} & set(line)


def test_a_stream_stands_in_it_when_it_has_ended() -> None:
    (line,) = lines_of(post(NAMED, {"accept": "text/event-stream"}, variables={"isbn": 1}))

    assert (line["path"], line["status"]) == ("/graphql", 200)


def test_a_name_cannot_begin_a_line_of_its_own() -> None:
    (line,) = lines_of(post("{ nothing }", operationName='a\n{"status": 200}'))

    assert line["operation"] == 'a\n{"status": 200}'


# --- writing --------------------------------------------------------------------------------------------------------


class Out(io.BytesIO):
    """Counts how often something is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.written = asyncio.Event()

    def write(self, content: Any) -> int:
        self.writes += 1
        self.written.set()
        return super().write(content)


def test_lines_are_written_together_and_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "WRITE_WITHIN_S", 0.01)
    out = Out()
    log = AccessLog(out)

    async def story() -> None:
        for number in range(100):
            log.write({"number": number})
        await asyncio.wait_for(out.written.wait(), LONG_S)

    asyncio.run(story())
    log.close()

    assert [json.loads(line)["number"] for line in out.getvalue().splitlines()] == list(range(100))
    assert out.writes == 1


def test_many_lines_do_not_pile_up_until_then() -> None:
    out = Out()
    log = AccessLog(out)

    async def story() -> int:
        for number in range(access_log.GATHERED_LINES):
            log.write({"number": number})
        return len(out.getvalue().splitlines())

    assert asyncio.run(story()) == access_log.GATHERED_LINES
    log.close()


def test_a_reader_that_has_gone_is_told_of_once_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(io.BytesIO):
        def write(self, _: Any) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    log = AccessLog(Broken())

    async def story() -> None:
        for number in range(3 * access_log.GATHERED_LINES):
            log.write({"number": number})

    caplog.set_level(logging.ERROR)
    asyncio.run(story())
    log.close()

    assert [record.message for record in caplog.records] == [
        "the access log ends here: [Errno 32] Broken pipe"
    ]
