"""`python -m fake_stripe`: serve the fake Stripe until SIGINT or SIGTERM."""

import logging
import signal
import socket
import sys

import uvicorn

from fake_stripe.app import create_app
from fake_stripe.connections import Connections
from fake_stripe.settings import SettingError, Settings, from_environment

_log = logging.getLogger("fake_stripe")


def main() -> int:
    """Read the settings, take the port, serve. The exit status is 2 when that cannot begin."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log each delivery a second time
    try:
        settings = from_environment()
        listening = _listen(settings)
    except SettingError as problem:
        print(problem, file=sys.stderr)
        return 2
    for stop in (signal.SIGINT, signal.SIGTERM):
        # uvicorn shuts down in order first, then raises the signal again for the handler it found: this one.
        signal.signal(stop, lambda *_: sys.exit(0))
    _serve(settings, listening)
    return 0


def _listen(settings: Settings) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]
        # Without the protocol's number asyncio does not see TCP here, and Nagle costs every answer 40 ms.
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        wanted = f"{settings.host}:{settings.port}"
        raise SettingError(
            f"The fake Stripe cannot listen on {wanted} ({error.strerror}); set FAKE_STRIPE_PORT to a free port."
        ) from error
    return listening


def _serve(settings: Settings, listening: socket.socket) -> None:
    connections = Connections()
    config = uvicorn.Config(
        create_app(settings, connections),
        http=connections.protocol(),
        log_config=None,
        access_log=False,  # the API logs its own requests, with their outcome
        timeout_graceful_shutdown=5,
    )
    target = settings.webhook_url or "nowhere (no STRIPE_WEBHOOK_SECRET, or no FAKE_STRIPE_WEBHOOK_URL)"
    _log.info("fake Stripe on http://%s:%d, webhooks to %s", settings.host, settings.port, target)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    sys.exit(main())
