"""Another supergraph while the gateway serves."""

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.app import App, create_app
from gateway.operations.request import Request
from gateway.operations.trusted_documents import TrustedDocuments
from gateway.reload import Reload
from gateway.supergraph.model import Supergraph
from gateway.supergraph.reader import load_supergraph
from gateway.supergraph_file import supergraph_file
from gateway.watched_file import WatchedFile
from tests.gateway.patience import LONG_S
from tests.gateway.test_entities import library
from tests.gateway.testbed import SUPERGRAPHS, Federation, json_response

LIBRARY = (SUPERGRAPHS / "library.graphql").read_text()
RENAMED = LIBRARY.replace("  title: String", "  heading: String")
BOOK = "{ book(isbn: 1) { title } }"
EMMA = {"data": {"book": {"title": "Emma"}}}


class Life:
    """A gateway that watches a file, as the server has it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text(LIBRARY)
        self.federation: Federation = library()
        self.reload: Reload[Supergraph] = supergraph_file(path, {})
        self.app: App = create_app(self.reload.first(), self.federation.settings, self.federation)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://gateway")
        self.looked = asyncio.Event()
        self.counted: list[str] = []

    async def ask(self, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        return (await self.client.post("/graphql", json=body)).json()

    def planned(self, result: str) -> float:
        """How often a plan was looked for with that result."""
        counter = self.app.metrics.plan_lookups
        samples = [each.rpartition(" ") for each in counter.samples()]
        return sum(float(value) for labels, _, value in samples if f'"{result}"' in labels)

    async def put(self, content: str | bytes) -> None:
        """Write the file and wait until the gateway has seen to it."""
        self.path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.reload.file.look_now()
        await self.looked.wait()
        self.looked.clear()


@asynccontextmanager
async def living(path: Path) -> AsyncIterator[Life]:
    life = Life(path)
    handler = _Notifier(life.looked)
    logging.getLogger("gateway").addHandler(handler)
    async with asyncio.timeout(LONG_S):
        watching = asyncio.create_task(life.reload.run(life.app.serve, life.counted.append))
        yield life
        watching.cancel()
    logging.getLogger("gateway").removeHandler(handler)


class _Notifier(logging.Handler):
    """Every look ends in a line about the file."""

    def __init__(self, looked: asyncio.Event) -> None:
        super().__init__()
        self._looked = looked

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "gateway" and record.msg.startswith("%s is "):
            self._looked.set()


@pytest.fixture
def told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Callable[[Callable[[Life], Coroutine[Any, Any, Any]]], Any]:
    caplog.set_level(logging.INFO, "gateway")

    def told(story: Callable[[Life], Coroutine[Any, Any, Any]]) -> Any:
        async def whole() -> Any:
            async with living(tmp_path / "supergraph.graphql") as life:
                return await story(life)

        return asyncio.run(whole())

    return told


Told = Callable[[Callable[[Life], Coroutine[Any, Any, Any]]], Any]


def refusals(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_new_supergraph_is_served_from_then_on(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    async def story(life: Life) -> tuple[Any, Any]:
        before = await life.ask(BOOK)
        await life.put(RENAMED)
        return before, await life.ask(BOOK)

    before, after = told(story)

    assert before == EMMA
    assert after["errors"][0]["message"].startswith("Cannot query field 'title'")
    assert "is reloaded (sha256 " in caplog.text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("type Query {", "not a valid schema"),
        ("type Query { a: Int }", "names no subgraphs"),
        (LIBRARY.replace("type Book ", "type Bork "), "not a valid schema"),
        (b"\xff\xfe", "not encoded in UTF-8"),
        ("", "not a valid schema"),
    ],
)
def test_an_invalid_one_is_refused_in_one_line_and_the_old_one_kept(
    told: Told, caplog: pytest.LogCaptureFixture, content: str | bytes, reason: str
) -> None:
    async def story(life: Life) -> Any:
        await life.put(content)
        return await life.ask(BOOK)

    assert told(story) == EMMA
    (line,) = refusals(caplog)
    assert reason in line.message
    assert "is refused, the one before stays in use: " in line.message
    assert len(line.message.splitlines()) == 1
    assert line.exc_info is None


def test_after_a_refusal_the_next_good_one_is_served(told: Told) -> None:
    async def story(life: Life) -> Any:
        await life.put("nonsense")
        await life.put(RENAMED)
        assert life.counted == ["refused", "reloaded"]
        return await life.ask('{ __type(name: "Book") { fields { name } } }')

    fields = told(story)["data"]["__type"]["fields"]

    assert "heading" in {each["name"] for each in fields}


def test_demands_that_nobody_can_meet_are_told_of_when_they_come(
    told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    protecting = (SUPERGRAPHS / "clinic.graphql").read_text()

    async def story(life: Life) -> None:
        life.app.warn_if_nobody_can_be_known()
        await life.put(protecting)
        await life.put(protecting + "\n")

    told(story)

    (line,) = [line.message for line in caplog.records if "JWKS_URL" in line.message]
    assert line.startswith("the supergraph demands something of callers, and everybody is anonymous")


def test_a_file_that_is_gone_is_a_refusal_too(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    async def story(life: Life) -> Any:
        life.path.unlink()
        life.reload.file.look_now()
        await life.looked.wait()
        return await life.ask(BOOK)

    assert told(story) == EMMA
    assert "cannot be read: No such file" in refusals(caplog)[0].message


def test_a_fault_while_loading_is_a_refusal_with_a_trace(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.INFO, "gateway")
    path = tmp_path / "file"
    path.write_text("1")
    reload = Reload(WatchedFile(path), int)
    reload.first()
    taken: list[int] = []
    counted: list[str] = []

    async def take(number: int) -> None:
        taken.append(number)

    async def story() -> None:
        looked = asyncio.Event()
        handler = _Notifier(looked)
        logging.getLogger("gateway").addHandler(handler)
        watching = asyncio.create_task(reload.run(take, counted.append))
        for content in ("x", "2"):
            path.write_text(content)
            reload.file.look_now()
            await looked.wait()
            looked.clear()
        watching.cancel()
        logging.getLogger("gateway").removeHandler(handler)

    asyncio.run(asyncio.wait_for(story(), LONG_S))

    assert taken == [2]
    assert counted == ["refused", "reloaded"]
    assert [line.exc_info is not None for line in refusals(caplog)] == [True]


def test_the_same_content_again_changes_nothing(told: Told) -> None:
    async def story(life: Life) -> bool:
        serving = life.app._serving
        await life.put(LIBRARY)
        return life.app._serving is serving

    assert told(story)


def test_a_request_under_way_ends_with_the_supergraph_it_began_with(told: Told) -> None:
    async def story(life: Life) -> Any:
        asked, answering = asyncio.Event(), asyncio.Event()

        async def slow(_: httpx.Request) -> httpx.Response:
            asked.set()
            await answering.wait()
            return json_response({"data": {"book": {"title": "Emma"}}})

        life.federation.broken["books"] = slow
        running = asyncio.create_task(life.ask(BOOK))
        await asked.wait()
        await life.put(RENAMED)
        answering.set()
        return await running

    assert told(story) == EMMA


def test_the_old_one_is_freed_when_nobody_uses_it_any_more(told: Told) -> None:
    async def story(life: Life) -> tuple[bool, bool]:
        await life.ask(BOOK)
        old = weakref.ref(life.app._serving.pipeline)
        supergraph = weakref.ref(life.app._serving.pipeline._plans._supergraph)
        await life.put(RENAMED)
        await life.ask(BOOK)
        gc.collect()
        return old() is None, supergraph() is None

    assert told(story) == (True, True)


def test_what_was_asked_for_is_planned_before_the_new_one_takes_over(told: Told) -> None:
    flag = "query Q($all: Boolean!) { book(isbn: 2) { pages isbn @include(if: $all) } }"

    async def story(life: Life) -> list[float]:
        for whole in (True, False):
            await life.ask(flag, all=whole)
        await life.ask(BOOK)
        await life.put(RENAMED)
        for whole in (True, False):
            await life.ask(flag, all=whole)
        await life.ask("{ book(isbn: 3) { pages } }")
        return [life.planned("hit"), life.planned("miss")]

    assert told(story) == [2, 4]


def test_two_changes_at_once_are_both_taken_up() -> None:
    federation = library()
    app = create_app(federation.supergraph, federation.settings, federation)
    renamed = load_supergraph(RENAMED)
    fields = '{ __type(name: "Book") { fields { name } } }'

    async def story() -> list[str]:
        await asyncio.gather(app.serve(renamed), app.trust(TrustedDocuments({"fields": fields})))
        pipeline = app._serving.pipeline
        return [
            str((await pipeline.answer(Request(query))).encoded())
            for query in (fields, "{ books { pages } }")
        ]

    trusted, other = asyncio.run(story())

    assert "heading" in trusted
    assert "DOCUMENT_NOT_TRUSTED" in other


def test_connections_outlive_a_reload(told: Told) -> None:
    async def story(life: Life) -> bool:
        carriers = life.app._carriers
        await life.put(RENAMED)
        return life.app._serving.pipeline._client._transport is carriers.requests

    assert told(story)


def test_addresses_set_in_the_environment_hold_for_every_supergraph(tmp_path: Path) -> None:
    path = tmp_path / "supergraph.graphql"
    path.write_text(LIBRARY)
    reload = supergraph_file(path, {"SUBGRAPH_URL_BOOKS": "http://elsewhere/"})
    reload.first()
    taken: list[Supergraph] = []

    async def story() -> None:
        arrived = asyncio.Event()

        async def take(supergraph: Supergraph) -> None:
            taken.append(supergraph)
            arrived.set()

        watching = asyncio.create_task(reload.run(take, lambda _: None))
        path.write_text(RENAMED)
        reload.file.look_now()
        await arrived.wait()
        watching.cancel()

    asyncio.run(asyncio.wait_for(story(), LONG_S))

    assert [each.subgraphs["BOOKS"].url for each in taken] == ["http://elsewhere/"]
