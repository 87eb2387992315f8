"""`python -m fake_stripe`: serve the fake Stripe until SIGINT or SIGTERM."""

import logging
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
    _serve(settings, listening)
    return 0


def _listen(settings: Settings) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        address = f"{settings.host}:{settings.port}"
        raise SettingError(
            f"The fake Stripe cannot listen on {address} ({error.strerror}); set FAKE_STRIPE_PORT to a free port."
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
