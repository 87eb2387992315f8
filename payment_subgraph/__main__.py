"""`python -m payment_subgraph serve | migrate | reread | print-schema`, and what operators do to books and outbox."""

import argparse
import os
import sys
from contextlib import suppress
from datetime import date
from typing import Final

from payment_subgraph.errors import SettingError
from payment_subgraph.outbox_commands import add_commands, run
from payment_subgraph.settings import DatabaseSettings, Settings
from payment_subgraph.telemetry import configure_logging

_DRAIN_S = 30


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m payment_subgraph", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("serve", "migrate", "reread", "print-schema", "post-missing"):
        commands.add_parser(name)
    commands.add_parser("check-books").add_argument("--day", type=date.fromisoformat)
    commands.add_parser("rebuild").add_argument("--verify", action="store_true")
    thaw = commands.add_parser("thaw")
    thaw.add_argument("payment_id")
    thaw.add_argument("--without-reference", action="store_true")
    thaw.add_argument(
        "--by", default=os.environ.get("USER", "operator"), help="who does it, for the timeline"
    )
    add_commands(commands)
    given = parser.parse_args()
    configure_logging()
    try:
        if given.command in _COMMANDS:
            return _COMMANDS[given.command](given)
        return run(given.command, DatabaseSettings.read(os.environ), given.moment)
    except SettingError as refused:
        sys.stderr.write(f"{refused}\n")
        return 2


def _serve(_given: argparse.Namespace) -> int:
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


def _migrate(_given: argparse.Namespace) -> int:
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415

    from payment_subgraph.database import migrate  # noqa: PLC0415

    try:
        migrate(DatabaseSettings.read(os.environ).url)
    except OperationalError as error:
        raise SettingError(f"PAYMENT_DATABASE_URL: {str(error.orig).splitlines()[0]}.") from error
    return 0


def _reread(_given: argparse.Namespace) -> int:
    """The workers then read them, each payment whose balance transaction is not known here."""
    import asyncio  # noqa: PLC0415
    from datetime import UTC, datetime  # noqa: PLC0415

    from payment_subgraph.database import Database  # noqa: PLC0415
    from payment_subgraph.repository import Repository  # noqa: PLC0415

    async def mark() -> int:
        database = Database(DatabaseSettings.read(os.environ).url)
        try:
            async with Repository(database).writing() as rows:
                return await rows.reread_unsettled(datetime.now(UTC))
        finally:
            await database.close()

    sys.stdout.write(f"{asyncio.run(mark())} payments will be read again\n")
    return 0


def _print_schema(_given: argparse.Namespace) -> int:
    from payment_subgraph.schema import sdl  # noqa: PLC0415

    sys.stdout.write(sdl())
    return 0


def _check_books(given: argparse.Namespace) -> int:
    from payment_subgraph.book_commands import check_books, yesterday  # noqa: PLC0415

    return check_books(given.day or yesterday())


def _rebuild(given: argparse.Namespace) -> int:
    from payment_subgraph.book_commands import rebuild  # noqa: PLC0415

    return rebuild(verify=given.verify)


def _post_missing(_given: argparse.Namespace) -> int:
    from payment_subgraph.book_commands import post_missing  # noqa: PLC0415

    return post_missing()


def _thaw(given: argparse.Namespace) -> int:
    from payment_subgraph.thaw_command import thaw  # noqa: PLC0415

    return thaw(given.payment_id, given.by[:255], without_reference=given.without_reference)


_COMMANDS: Final = {
    "serve": _serve,
    "migrate": _migrate,
    "reread": _reread,
    "print-schema": _print_schema,
    "check-books": _check_books,
    "rebuild": _rebuild,
    "post-missing": _post_missing,
    "thaw": _thaw,
}


if __name__ == "__main__":
    sys.exit(main())
