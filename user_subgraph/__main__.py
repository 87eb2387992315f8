"""The commands: serve, prepare, migrate, create-keys, keys, clients, create-demo-data, create-admin, take-away-mfa, print-schema."""

import argparse
import getpass
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from alembic.util import CommandError
from flask import Flask
from sqlalchemy.exc import DatabaseError
from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from user_subgraph import client_commands, key_commands
from user_subgraph.accounts import Accounts
from user_subgraph.app import (
    assembled,
    create_app,
    fresh_for,
    password_hashes,
    second_factor_of,
    throttling_of,
)
from user_subgraph.clock import utc_now
from user_subgraph.database import Database
from user_subgraph.demo_data import create_demo_data
from user_subgraph.errors import CommandRefused, StartRefused, ValidationError
from user_subgraph.federation import subgraph_sdl
from user_subgraph.punctual_channel import PunctualChannel
from user_subgraph.reauthentication import Reauthentication
from user_subgraph.runtime import settle
from user_subgraph.settings import Settings
from user_subgraph.signing_keys import alone_with, create_key, key_files
from user_subgraph.telemetry import log_to_stderr
from user_subgraph.upkeep import upkeep
from user_subgraph.user import Role

MAX_CONNECTIONS = 1000
UPKEEP_S = 3600
EVENTS_S = 1
MAILS_S = 1
EXPORTS_S = 1


def serve(settings: Settings, _options: argparse.Namespace) -> None:
    """Answer until SIGTERM or SIGINT; requests under way then are finished.

    waitress reads whole bodies before a thread sees the request, so half-sent ones keep nobody waiting
    (gunicorn's and granian's threads do wait).
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    log_to_stderr()
    with closing(assembled(settings)) as parts:
        app = create_app(settings, parts)
        settle()
        server = _listening(settings, app)
        expired = upkeep(parts.forget_what_has_expired, UPKEEP_S)
        origins = upkeep(parts.forget_old_origins, UPKEEP_S)
        events = upkeep(parts.deliver_events, EVENTS_S)
        mails = upkeep(parts.mail_delivery.deliver_all_due, MAILS_S)
        exports = upkeep(parts.data_export_making.make_all_due, EXPORTS_S)
        with expired, origins, events, mails, exports:
            server.run()


def _listening(settings: Settings, app: Flask) -> BaseWSGIServer | MultiSocketServer:
    BaseWSGIServer.channel_class = PunctualChannel  # create_server takes none
    try:
        return create_server(
            app,
            host=settings.host,
            port=settings.port,
            threads=settings.threads,
            connection_limit=MAX_CONNECTIONS,
            channel_timeout=settings.request_timeout_s,
            cleanup_interval=max(1, settings.request_timeout_s // 6),
            asyncore_use_poll=True,  # select() ends at 1024 file descriptors
            # Above the application's own limit, which answers in JSON.
            max_request_body_size=4 * settings.max_body_bytes,
            # X-Forwarded-For: client_address.py decides whom to believe.
            clear_untrusted_proxy_headers=False,
            ident=None,
        )
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise StartRefused(f"USER_SUBGRAPH_PORT: cannot listen on {where} ({error.strerror}).") from error


def _stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


def prepare(settings: Settings, options: argparse.Namespace) -> None:
    """All that a first start needs, in one process: tables, a signing key and, in demo mode, the demo accounts."""
    migrate(settings, options)
    _create_first_key(settings)
    if settings.demo_mode:
        demo_data(settings, options)


def migrate(settings: Settings, _options: argparse.Namespace) -> None:
    with closing(Database(settings.database_url)) as database:
        try:
            database.migrate()
        except DatabaseError as error:
            raise StartRefused(f"USER_DATABASE_URL: {str(error.orig).splitlines()[0]}.") from error
        except CommandError as error:  # the tables are of a version that this one does not know
            raise StartRefused(f"USER_DATABASE_URL: {error}.") from error


def create_keys(settings: Settings, _options: argparse.Namespace) -> None:
    _create_first_key(settings)


def _create_first_key(settings: Settings) -> None:
    """Nothing to do when there is one."""
    with alone_with(settings.signing_keys_dir):
        if not key_files(settings.signing_keys_dir):
            print(create_key(settings.signing_keys_dir, utc_now()))


def demo_data(settings: Settings, _options: argparse.Namespace) -> None:
    if not settings.demo_mode:
        raise StartRefused("DEMO_MODE must be 1 to create accounts whose password everybody knows.")
    with _migrated(settings) as database:
        print(f"{create_demo_data(_accounts(settings, database))} demo accounts added")


def create_admin(settings: Settings, options: argparse.Namespace) -> None:
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    with _migrated(settings) as database:
        values = {"email": options.email, "password": password, "roles": [Role.ADMIN]}
        print(_accounts(settings, database).add_by_operator(values).id)


def take_away_mfa(settings: Settings, options: argparse.Namespace) -> None:
    """For who has lost the authenticator and the recovery codes, and has proved who they are by other means."""
    with _migrated(settings) as database:
        if not second_factor_of(settings, database, utc_now).take_away(options.email):
            raise CommandRefused(f"{options.email} has no account with a second factor.")
    print("The password alone is enough now, and all sessions have ended.")


def clients(settings: Settings, options: argparse.Namespace) -> None:
    with _migrated(settings) as database:
        client_commands.clients(options, database)


def print_sdl() -> None:
    sys.stdout.write(subgraph_sdl())


COMMANDS: Mapping[str, Callable[[Settings, argparse.Namespace], None]] = {
    "serve": serve,
    "prepare": prepare,
    "migrate": migrate,
    "create-keys": create_keys,
    "keys": key_commands.keys,
    "clients": clients,
    "create-demo-data": demo_data,
    "create-admin": create_admin,
    "take-away-mfa": take_away_mfa,
}


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit status: 0 done, 1 the command was refused, 2 the settings do not fit."""
    options = _parser().parse_args(arguments)
    os.umask(0o077)  # keys and the database file are for this account of the machine alone
    if options.command == "print-schema":  # needs neither settings nor a database
        print_sdl()
        return 0
    try:
        COMMANDS[options.command](Settings.from_environment(environment), options)
    except StartRefused as error:
        return _said(str(error), 2)
    except CommandRefused as error:
        return _said(str(error), 1)
    except ValidationError as error:
        return _said("; ".join(f"{field.path[-1]}: {field.message}" for field in error.fields), 1)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m user_subgraph")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("serve", "prepare", "migrate", "create-demo-data", "print-schema"):
        commands.add_parser(name)
    commands.add_parser("create-keys", help="make the first signing key; does nothing when there is one")
    key_commands.add_parser(commands)
    client_commands.add_parser(commands)
    admin = commands.add_parser("create-admin", help="asks for the password, or reads it from standard input")
    admin.add_argument("--email", required=True)
    lost = commands.add_parser(
        "take-away-mfa", help="from who has lost authenticator, passkeys and recovery codes"
    )
    lost.add_argument("--email", required=True)
    return parser


def _said(sentence: str, status: int) -> int:
    print(sentence, file=sys.stderr)
    return status


@contextmanager
def _migrated(settings: Settings) -> Iterator[Database]:
    with closing(Database(settings.database_url)) as database:
        if not database.is_ready():
            raise StartRefused(
                f"USER_DATABASE_URL: {database.place} does not answer, or its tables are missing or old; run `migrate`. "
                "If your database is elsewhere, say so by USER_DATABASE_URL or DATA_DIR."
            )
        yield database


def _accounts(settings: Settings, database: Database) -> Accounts:
    throttling = throttling_of(settings, database, utc_now)
    passwords = password_hashes(settings)
    again = Reauthentication(database, passwords, throttling, utc_now, fresh_for(settings))
    return Accounts(database, passwords, again, throttling, utc_now)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
