"""From the command line to a gateway that serves."""

import argparse
import logging
import resource
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.app import App, Observers, create_app
from gateway.errors import GatewayError, SettingsError
from gateway.operations.trusted_documents import read_manifest
from gateway.reload import Reload
from gateway.server import Server, Watch
from gateway.settings import (
    TRACES_TO,
    Settings,
    current_environment,
    read_settings,
    unknown_settings,
    wants_tracing,
)
from gateway.subgraphs.mutation_headers import refuse_settings_of_nobody
from gateway.supergraph_file import supergraph_file
from gateway.telemetry.access_log import AccessLog
from gateway.watched_file import WatchedFile

if TYPE_CHECKING:
    from gateway.tracing import Tracing

log = logging.getLogger("gateway")


def start(arguments: Sequence[str] | None = None) -> int:
    """Exit status 2, after one sentence, when something keeps the gateway from starting."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    _allow_many_connections()
    try:
        settings, fd = _settings(arguments)
        _warn_of_unknown_settings()
        app, watching = _load(settings)
        listening = [
            _inherited(fd) if fd is not None else _listen(settings.host, settings.port, "GATEWAY_PORT")
        ]
        if settings.metrics_port:
            listening.append(_listen(settings.host, settings.metrics_port, "GATEWAY_METRICS_PORT"))
    except GatewayError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 2
    host, port = listening[0].getsockname()[:2]
    log.info("serving %s at http://%s:%s/graphql", settings.supergraph, host, port)
    app.warn_if_nobody_can_be_known()
    Server(app, settings, watching).serve_until_stopped(listening)
    return 0


def _allow_many_connections() -> None:
    """As many open files as this process may give itself; what a shell allows by default is 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _settings(arguments: Sequence[str] | None) -> tuple[Settings, int | None]:
    """With the file descriptor of the socket to listen on, if there is one already."""
    settings = read_settings(current_environment())
    parser = argparse.ArgumentParser(prog="gateway", description="Serve a composed Federation supergraph.")
    parser.add_argument("--supergraph", type=Path, default=settings.supergraph, metavar="FILE")
    parser.add_argument("--host", default=settings.host)
    parser.add_argument("--port", type=int, default=settings.port, help="0 takes a free one")
    parser.add_argument(
        "--fd", type=int, help="listen on this socket, which whoever starts the gateway has opened"
    )
    given = parser.parse_args(arguments)
    return replace(settings, supergraph=given.supergraph, host=given.host, port=given.port), given.fd


def _warn_of_unknown_settings() -> None:
    """A warning, not a refusal: in Kubernetes a service named `gateway` gives its pods such variables too."""
    for name, meant in unknown_settings(current_environment()):
        log.warning("%s is no setting of the gateway%s", name, f"; {meant} is" if meant else "")


def _load(settings: Settings) -> tuple[App, dict[WatchedFile, Watch]]:
    """The application, and how each file it was made from is kept current."""
    supergraph = supergraph_file(settings.supergraph, current_environment())
    first = supergraph.first()
    refuse_settings_of_nobody(settings, first.subgraphs)
    manifest = (
        Reload(WatchedFile(settings.trusted_documents), read_manifest) if settings.trusted_documents else None
    )
    trusted = manifest.first() if manifest else None
    app = create_app(first, settings, trusted=trusted, observers=_observers(settings))
    reloads = app.metrics.reloads
    watching: dict[WatchedFile, Watch] = {
        supergraph.file: partial(supergraph.run, app.serve, partial(reloads.count, "supergraph"))
    }
    if manifest:
        watching[manifest.file] = partial(
            manifest.run, app.trust, partial(reloads.count, "trusted_documents")
        )
    return app, watching


def _observers(settings: Settings) -> Observers:
    access_log = AccessLog(sys.stdout.buffer) if settings.access_log else None
    return Observers(access_log, _tracing() if wants_tracing(current_environment()) else None)


def _tracing() -> "Tracing":
    try:
        from gateway.tracing import exported  # noqa: PLC0415 — takes as long to import as all the rest
    except ModuleNotFoundError as error:
        message = f"{TRACES_TO} is set, but {error.name} is not installed: uv sync --project gateway --extra tracing"
        raise SettingsError(message) from error
    return exported()


def _inherited(fd: int) -> socket.socket:
    """A socket that outlives this process, so that connections wait while another takes over."""
    try:
        inherited = socket.socket(fileno=fd)
        is_listening = inherited.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise SettingsError(f"--fd {fd} is no socket: {error.strerror}") from error
    if not is_listening:
        raise SettingsError(f"--fd {fd} is a socket that does not listen")
    return inherited


def _listen(host: str, port: int, variable: str) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=2048)
    except (OSError, OverflowError) as error:
        # To the system's words Python adds number and address, which stand here already.
        reason = getattr(error, "strerror", str(error)).partition(" (while attempting")[0]
        message = f"Cannot listen on {host} port {port} ({reason}); {variable} names another port"
        raise SettingsError(message) from error
