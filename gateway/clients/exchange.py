"""One HTTP request as it is being answered: what was asked, and the ways to say something to it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from random import getrandbits
from time import perf_counter
from typing import NamedTuple

from gateway.clients.reply import Reply
from gateway.headers import Headers, RequestHeaders
from gateway.operations.answer import Answer


class ClientGone(Exception):
    """The client left before the answer was ready."""


class RequestLine(NamedTuple):
    method: str
    path: str
    """Percent-decoded."""
    query_string: bytes


class Ends(NamedTuple):
    """Of the connection."""

    client_host: str | None
    port: int | None
    """The gateway's."""


class Exchange(ABC):
    """What is common to requests that come over the wire and those that another program makes in memory."""

    __slots__ = (
        "answer",
        "client_host",
        "headers",
        "is_begun",
        "is_graphql",
        "is_streamed",
        "method",
        "more_headers",
        "operation_name",
        "path",
        "port",
        "query_string",
        "request_id",
        "started",
        "status",
    )

    def __init__(self, line: RequestLine, headers: RequestHeaders, ends: Ends) -> None:
        self.method, self.path, self.query_string = line
        self.headers = headers
        self.client_host, self.port = ends
        self.request_id = _request_id(headers.get(b"x-request-id"))
        self.more_headers: Headers = ()
        """Headers of every response to this request."""
        self.is_begun = False
        """Whether something of the response was sent."""
        self.is_graphql = False
        self.is_streamed = False
        self.operation_name: str | None = None
        """What the client calls it."""
        self.answer: Answer | None = None
        """What came of it, if it came to an answer in one piece."""
        self.status = 0
        """Once it is answered."""
        self.started = perf_counter()

    @property
    def is_whole(self) -> bool:
        """Whether the body is here already, so that nobody need wait for it."""
        return False

    @abstractmethod
    async def body(self, limit: int) -> bytes:
        """The whole body. Raises BodyTooLarge if it has more than *limit* bytes, ClientGone if it does not come."""

    @abstractmethod
    async def reply(self, reply: Reply, *, is_last: bool = False) -> None:
        """Send a response in one piece. *is_last*: the client is asked to send its next request elsewhere."""

    @abstractmethod
    async def begin(self, status: int, headers: Headers) -> None:
        """Send the head of a response whose body comes in parts."""

    @abstractmethod
    async def write(self, part: bytes) -> None:
        """Send a part of the body; waits while the client is slow, so that nothing piles up."""

    @abstractmethod
    async def end(self) -> None:
        """The body has come to its end."""

    @abstractmethod
    def when_gone(self, call: Callable[[], None] | None) -> None:
        """Have *call* called, once, as soon as it is known that the client has left. None: nobody wants to know any
        more."""


def _request_id(given: str) -> str:
    """The client's own id if it can stand in a log line, else a new one."""
    if given and len(given) <= 64 and given.isascii() and given.replace("-", "").replace("_", "").isalnum():
        return given
    return f"{getrandbits(128):032x}"
