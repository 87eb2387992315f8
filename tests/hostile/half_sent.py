"""Requests that begin and do not go on."""

import select
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from tests.hostile.exchange import Address

_POST = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"

HALVES = {
    "nothing": b"",
    "half a head": _POST[:-12],
    "half a body": _POST + b"content-length: 100\r\n\r\n" + b'{"query": "{ __type',
    "half a chunk": _POST + b'transfer-encoding: chunked\r\n\r\n40\r\n{"query": ',
    "a chunk and no more": _POST + b'transfer-encoding: chunked\r\n\r\na\r\n{"query": \r\n',
}


@contextmanager
def half_sent(address: Address, beginnings: Iterable[bytes]) -> Iterator[list[socket.socket]]:
    """A connection for each of *beginnings*, which was sent on it."""
    with ExitStack() as open_ones:
        connections = []
        for begun in beginnings:
            connections.append(open_ones.enter_context(address.connection()))
            connections[-1].sendall(begun)
        yield connections


def left_open(connections: list[socket.socket], within_s: float, trickle: bytes = b"") -> int:
    """How many the server has not closed in time, whatever it said on them. *trickle* is sent each half second."""
    ends, open_ones = time.monotonic() + within_s, list(connections)
    while open_ones and time.monotonic() < ends:
        readable, _, _ = select.select(open_ones, [], [], 0.5)
        open_ones = [each for each in open_ones if each not in readable or not _is_at_end(each)]
        open_ones = [each for each in open_ones if _took(each, trickle)]
    return len(open_ones)


def _is_at_end(connection: socket.socket) -> bool:
    try:
        return not connection.recv(65_536)
    except ConnectionError:
        return True


def _took(connection: socket.socket, trickle: bytes) -> bool:
    try:
        connection.sendall(trickle)
    except ConnectionError:
        return False
    return True
