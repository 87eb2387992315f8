"""Programs of one line of Python, to be started and stopped."""

import contextlib
import socket
import sys
import time

SERVE = "import http.server, sys; http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), type('H', (http.server.SimpleHTTPRequestHandler,), {'do_GET': lambda self: (self.send_response(200), self.end_headers())})).serve_forever()"
IGNORE_SIGTERM = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def serving(port: int) -> tuple[str, ...]:
    """The command of a server on this port."""
    return (sys.executable, "-c", SERVE, str(port))


def is_served(port: int) -> bool:
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=60):
        return True
    return False


def wait_until_served(port: int, *, served: bool = True) -> None:
    deadline = time.monotonic() + 60
    while is_served(port) is not served:
        assert time.monotonic() < deadline, f"port {port}: still {not served} after 60 s"
        time.sleep(0.02)
