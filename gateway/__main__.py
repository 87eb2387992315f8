"""`python -m gateway --supergraph FILE --port N`: serve one supergraph."""

import argparse
import logging
import math
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import uvicorn

from gateway.app import App, create_app
from gateway.errors import GatewayError, SettingsError, SupergraphError
from gateway.settings import Settings, current_environment, events_urls, read_settings, subgraph_urls
from gateway.supergraph_reader import load_supergraph

log = logging.getLogger("gateway")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 2, after one sentence, when something keeps the gateway from starting."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    try:
        settings = _settings(arguments)
        app = _load(settings)
        listening = _listen(settings)
    except GatewayError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 2
    host, port = listening.getsockname()[:2]
    log.info("serving %s at http://%s:%s/graphql", settings.supergraph, host, port)
    _serve(app, listening, settings)
    return 0


class _Server(uvicorn.Server):
    """Ends subscriptions before it waits for running requests: they would keep it waiting."""

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._app.close_streams()
        await super().shutdown(sockets)


def _serve(app: App, listening: socket.socket, settings: Settings) -> None:
    """Until SIGTERM or SIGINT; running requests are finished first."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=math.ceil(settings.request_timeout_s),
    )
    # uvicorn raises the signal once more when it is done: a stop that was asked for is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    _Server(config, app).run(sockets=[listening])


def _settings(arguments: Sequence[str] | None) -> Settings:
    settings = read_settings(current_environment())
    parser = argparse.ArgumentParser(prog="gateway", description="Serve a composed Federation supergraph.")
    parser.add_argument("--supergraph", type=Path, default=settings.supergraph, metavar="FILE")
    parser.add_argument("--host", default=settings.host)
    parser.add_argument("--port", type=int, default=settings.port, help="0 takes a free one")
    given = parser.parse_args(arguments)
    return replace(settings, supergraph=given.supergraph, host=given.host, port=given.port)


def _load(settings: Settings) -> App:
    try:
        sdl = settings.supergraph.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SupergraphError(f"The supergraph {settings.supergraph} cannot be read: {error}") from error
    environment = current_environment()
    supergraph = load_supergraph(sdl)
    supergraph = supergraph.at_urls(subgraph_urls(supergraph.subgraphs, environment))
    return create_app(supergraph.with_events_at(events_urls(supergraph.subgraphs, environment)), settings)


def _listen(settings: Settings) -> socket.socket:
    try:
        return socket.create_server((settings.host, settings.port), backlog=2048)
    except (OSError, OverflowError) as error:
        message = f"Cannot listen on {settings.host} port {settings.port} ({error}); GATEWAY_PORT names another port"
        raise SettingsError(message) from error


if __name__ == "__main__":
    sys.exit(main())
