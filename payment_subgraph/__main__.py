"""`python -m payment_subgraph serve | migrate | print-schema`."""

import argparse
import os
import sys
from contextlib import suppress

from payment_subgraph.errors import SettingError
from payment_subgraph.settings import DatabaseSettings, Settings
from payment_subgraph.telemetry import configure_logging

_DRAIN_S = 30


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m payment_subgraph", description=__doc__)
    parser.add_argument("command", choices=("serve", "migrate", "print-schema"))
    command = parser.parse_args().command
    configure_logging()
    try:
        return {"serve": _serve, "migrate": _migrate, "print-schema": _print_schema}[command]()
    except SettingError as refused:
        sys.stderr.write(f"{refused}\n")
        return 2


def _serve() -> int:
    import uvicorn  # noqa: PLC0415 - the other commands need none of this

    from payment_subgraph.app import create_app  # noqa: PLC0415
    from payment_subgraph.crash_points import arm  # noqa: PLC0415
    from payment_subgraph.http_protocol import punctual  # noqa: PLC0415
    from payment_subgraph.open_streams import OpenStreams  # noqa: PLC0415
    from payment_subgraph.runtime import settle  # noqa: PLC0415
    from payment_subgraph.server import Server  # noqa: PLC0415

    settings = Settings.read(os.environ)
    arm(settings.crash_chance)
    streams = OpenStreams()
    app = create_app(settings, streams)
    settle()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=punctual(settings.request_within.total_seconds()),
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=_DRAIN_S,
    )
    server = Server(config, streams)
    with suppress(KeyboardInterrupt):  # which uvicorn raises once more when all has ended
        server.run()
    return 0 if server.started else 3


def _migrate() -> int:
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415

    from payment_subgraph.database import migrate  # noqa: PLC0415

    try:
        migrate(DatabaseSettings.read(os.environ).url)
    except OperationalError as error:
        raise SettingError(f"PAYMENT_DATABASE_URL: {str(error.orig).splitlines()[0]}.") from error
    return 0


def _print_schema() -> int:
    from payment_subgraph.schema import sdl  # noqa: PLC0415

    sys.stdout.write(sdl())
    return 0


if __name__ == "__main__":
    sys.exit(main())
