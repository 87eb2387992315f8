"""`text/event-stream`, read and written; and the events of GraphQL over it.

Sources: https://html.spec.whatwg.org/multipage/server-sent-events.html and, for `next` and `complete`, the "distinct
connections mode" of https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

from collections.abc import Iterator
from dataclasses import dataclass

EVENT_STREAM = "text/event-stream"
NEXT = "next"
COMPLETE = "complete"

PAUSE = b":\n\n"
"""A comment: nothing happened, and the connection is alive."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    name: str
    data: bytes


class EventTooLargeError(Exception):
    """An event has more bytes than it may have."""


def written(name: str, data: bytes = b"") -> bytes:
    """One event. *data* has no line breaks; it is never left out, since browsers drop an event without any."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)


class EventStreamReader:
    """Reads the events of one stream, of which it is fed the bytes as they come."""

    def __init__(self, event_bytes: int) -> None:
        self._limit = event_bytes
        self._line: list[bytes] = []
        self._line_bytes = 0
        self._name = ""
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._ends_in_cr = False
        self._is_first_line = True

    def read(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """The events *chunk* completes. Raises EventTooLargeError as soon as one has grown too large."""
        for piece in self._without_second_half(chunk).splitlines(keepends=True):
            self._line.append(piece)
            self._line_bytes += len(piece)
            if self._line_bytes + self._data_bytes > self._limit:
                raise EventTooLargeError
            if piece.endswith((b"\n", b"\r")):
                yield from self._read_line()

    def _without_second_half(self, chunk: bytes) -> bytes:
        """A line break of two bytes can be cut in two by the network."""
        if self._ends_in_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._ends_in_cr = False
        self._ends_in_cr = self._ends_in_cr or chunk.endswith(b"\r")
        return chunk

    def _read_line(self) -> Iterator[ServerSentEvent]:
        line = b"".join(self._line).rstrip(b"\r\n")
        self._line, self._line_bytes = [], 0
        if self._is_first_line:
            line, self._is_first_line = line.removeprefix(BYTE_ORDER_MARK), False
        if line:
            self._read_field(line)
        else:
            yield from self._dispatch()

    def _read_field(self, line: bytes) -> None:
        """A line that begins with a colon is a comment: a field without a name."""
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._data_bytes += len(value) + 1
        elif name == b"event":
            self._name = value.decode("utf-8", "replace")

    def _dispatch(self) -> Iterator[ServerSentEvent]:
        """A name without data is no event in a browser. Here it is: servers write `complete` like that."""
        name, data = self._name, self._data
        self._name, self._data, self._data_bytes = "", [], 0
        if data or name:
            yield ServerSentEvent(name or "message", b"\n".join(data))
