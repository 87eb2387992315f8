"""The connections to subgraphs, over real sockets: reuse, hang-ups, framing, bounds, deadlines, TLS."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import trustme

from gateway.subgraphs.connection_pool import ConnectionPool
from gateway.subgraphs.transport import Response, TransportFailed, endpoint_at, written
from tests.gateway.leaping_loop import leap, run_leaping
from tests.gateway.patience import LONG_S
from tests.held_ports import held_port

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@dataclass
class Server:
    """Answers each request with the next of *answers*: bytes, None to hang up, or a function that does it itself."""

    answers: Iterator[Any]
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client has left in the middle of an exchange."""
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await _until_blank_line(reader):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                self.asked.set()
                answer = next(self.answers)
                if answer is None:
                    return
                if callable(answer):
                    await answer(reader, writer, self)
                else:
                    writer.write(answer)
        finally:
            writer.close()


async def _until_blank_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return b""


@asynccontextmanager
async def serving(*answers: Any, tls: ssl.SSLContext | None = None) -> Any:
    server = Server(iter(answers))
    listening = await asyncio.start_server(server.serve, "localhost", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


async def post(
    pool: ConnectionPool,
    server: Server,
    *,
    may_repeat: bool = True,
    within_s: float = LONG_S,
    headers: Any = (),
    scheme: str = "http",
) -> Response:
    endpoint = endpoint_at(f"{scheme}://localhost:{server.port}/graphql?a=b")
    deadline = asyncio.get_running_loop().time() + within_s
    return await pool.post(endpoint, headers, b'{"query":"{a}"}', deadline, may_repeat=may_repeat)


def run(story: Callable[[ConnectionPool], Awaitable[None]], **settings: Any) -> None:
    async def told() -> None:
        pool = ConnectionPool(**{"response_bytes": 1000} | settings)
        try:
            await asyncio.wait_for(story(pool), 3 * LONG_S)
        finally:
            await pool.aclose()

    run_leaping(told())


def test_a_request_is_whole_and_names_its_host() -> None:
    async def story(pool: ConnectionPool) -> None:
        async with serving(OK) as server:
            await post(pool, server, headers=((b"authorization", b"Bearer \xe4"),))

            (request,) = server.requests
            head, _, body = request.partition(b"\r\n\r\n")
            lines = head.split(b"\r\n")
            assert lines[0] == b"POST /graphql?a=b HTTP/1.1"
            assert b"host: localhost:%d" % server.port in lines
            assert b"content-type: application/json" in lines
            assert b"authorization: Bearer \xe4" in lines
            assert body == b'{"query":"{a}"}'

    run(story)


def test_a_connection_is_used_again() -> None:
    async def story(pool: ConnectionPool) -> None:
        async with serving(OK, OK, OK) as server:
            for _ in range(3):
                assert (await post(pool, server)).body == b"{}"

            assert server.connections == 1

    run(story)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde",
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nabcde",
    ],
)
def test_every_framing_gives_the_body(answer: bytes) -> None:
    async def story(pool: ConnectionPool) -> None:
        async with serving(answer) as server:
            response = await post(pool, server)

            assert (response.status, response.body) == (200, b"abcde")

    run(story)


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    async def story(pool: ConnectionPool) -> None:
        async def answer(_: Any, writer: asyncio.StreamWriter, __: Server) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nx: y\r\n\r\nabc")
            await writer.drain()
            writer.write(b"de")
            writer.close()

        async with serving(answer) as server:
            assert (await post(pool, server)).body == b"abcde"

    run(story)


def test_a_body_that_ends_too_early_is_no_answer() -> None:
    async def story(pool: ConnectionPool) -> None:
        async def answer(_: Any, writer: asyncio.StreamWriter, __: Server) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")
            writer.close()

        async with serving(answer) as server:
            with pytest.raises(TransportFailed):
                await post(pool, server)
            assert len(server.requests) == 1

    run(story)


def test_a_query_that_meets_a_connection_being_closed_is_sent_once_more() -> None:
    async def story(pool: ConnectionPool) -> None:
        async with serving(OK, None, OK) as server:
            await post(pool, server)

            assert (await post(pool, server)).body == b"{}"
            assert server.connections == 2

    run(story)


def test_a_mutation_is_never_sent_twice() -> None:
    async def story(pool: ConnectionPool) -> None:
        async with serving(OK, None, OK) as server:
            await post(pool, server)

            with pytest.raises(TransportFailed):
                await post(pool, server, may_repeat=False)
            assert len(server.requests) == 2

    run(story)


def test_a_closed_connection_is_not_used_again() -> None:
    async def story(pool: ConnectionPool) -> None:
        async with serving(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}", OK
        ) as server:
            await post(pool, server)
            await post(pool, server, may_repeat=False)

            assert server.connections == 2

    run(story)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n" + b"x" * 2000,
    ],
)
def test_nonsense_is_no_answer_and_ends_the_connection(answer: bytes) -> None:
    async def story(pool: ConnectionPool) -> None:
        async with serving(answer, OK) as server:
            with pytest.raises(TransportFailed):
                await post(pool, server)

            await post(pool, server)
            assert server.connections == 2

    run(story)


def test_what_comes_after_an_answer_is_not_taken_for_the_next() -> None:
    async def story(pool: ConnectionPool) -> None:
        async with serving(OK + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil", OK) as server:
            assert (await post(pool, server)).body == b"{}"
            assert (await post(pool, server)).body == b"{}"
            assert server.connections == 2

    run(story)


async def _silence(reader: asyncio.StreamReader, _: Any, server: Server) -> None:
    await reader.read()  # until the client hangs up
    server.gone.set()


def test_a_deadline_ends_the_exchange_and_the_connection() -> None:
    async def story(pool: ConnectionPool) -> None:
        async with serving(_silence) as server:
            waiting = asyncio.ensure_future(post(pool, server))
            await server.asked.wait()
            leap(LONG_S)

            with pytest.raises(TimeoutError):
                await waiting
            await server.gone.wait()

    run(story)


def test_who_is_cancelled_leaves_the_server() -> None:
    async def story(pool: ConnectionPool) -> None:
        async with serving(_silence) as server:
            waiting = asyncio.ensure_future(post(pool, server))
            await server.asked.wait()
            waiting.cancel()

            await server.gone.wait()
            assert waiting.cancelled() or isinstance(waiting.exception(), asyncio.CancelledError)

    run(story)


def test_no_more_connections_than_allowed_and_all_get_their_turn() -> None:
    async def story(pool: ConnectionPool) -> None:
        async with serving(*[OK] * 20) as server:
            answers = await asyncio.gather(*(post(pool, server) for _ in range(20)))

            assert len(answers) == 20
            assert server.connections == 2

    run(story, connections=2)


def test_who_waits_for_a_connection_waits_no_longer_than_the_deadline() -> None:
    async def story(pool: ConnectionPool) -> None:
        async with serving(_silence, OK) as server:
            first = asyncio.ensure_future(post(pool, server))
            await server.asked.wait()
            with pytest.raises(TimeoutError):
                await post(pool, server, within_s=0.05)
            first.cancel()
            await asyncio.wait([first])

            assert (await post(pool, server)).body == b"{}"

    run(story, connections=1)


def test_nobody_there_is_a_failure() -> None:
    async def story(pool: ConnectionPool) -> None:
        with pytest.raises(TransportFailed):
            await post(pool, Server(iter(()), port=held_port()))

    run(story)


def test_tls_is_spoken_to_servers_whose_certificate_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)

    async def distrusting(pool: ConnectionPool) -> None:
        async with serving(OK, tls=tls) as server:
            with pytest.raises(TransportFailed):
                await post(pool, server, scheme="https")

    async def trusting(pool: ConnectionPool) -> None:
        async with serving(OK, OK, tls=tls) as server:
            await post(pool, server, scheme="https")
            await post(pool, server, scheme="https")
            assert server.connections == 1

    run(distrusting)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    run(trusting)


@pytest.mark.parametrize("value", [b"a\r\nx: y", b"a\nx: y", b"a\rb"])
def test_a_header_cannot_begin_another(value: bytes) -> None:
    with pytest.raises(ValueError, match="line break"):
        written(((b"authorization", value),))


@pytest.mark.parametrize("url", ["users", "ftp://users/", "http://", "//users/graphql"])
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(ValueError, match="is not an http or https URL"):
        endpoint_at(url)


def test_an_address_is_taken_apart() -> None:
    endpoint = endpoint_at("https://users.example/graph ql?x=ü")

    assert endpoint.origin == ("users.example", 443, True)
    assert endpoint.authority == b"users.example"
    assert endpoint.target == b"/graph%20ql?x=%C3%BC"
