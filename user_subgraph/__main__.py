"""The commands: serve, migrate, create-keys, create-demo-data, create-admin, print-schema."""

import argparse
import getpass
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from granian.constants import Interfaces
from granian.server import Server
from sqlalchemy.exc import OperationalError

from user_subgraph.accounts import Accounts
from user_subgraph.app import assembled, password_hashes, utc_now
from user_subgraph.database import Database
from user_subgraph.demo_data import create_demo_data
from user_subgraph.errors import StartRefused, ValidationError
from user_subgraph.federation import subgraph_sdl
from user_subgraph.settings import Settings
from user_subgraph.signing_keys import create_key, key_files
from user_subgraph.user import Role

# The server's own log, with ours on stderr: stdout belongs to what a command was asked for.
SERVER_LOG = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "user_subgraph.telemetry.JsonLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {"_granian": {"handlers": ["stderr"], "level": "INFO", "propagate": False}},
}


def serve(settings: Settings, _options: argparse.Namespace) -> None:
    assembled(settings).close()  # what is wrong with the keys is said here, once, and not by each worker
    _refuse_busy_port(settings)
    Server(
        "user_subgraph.app:from_environment",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.processes,
        blocking_threads=settings.threads,
        factory=True,
        log_dictconfig=SERVER_LOG,
        respawn_failed_workers=True,
    ).serve()


def migrate(settings: Settings, _options: argparse.Namespace) -> None:
    with closing(Database(settings.database_url)) as database:
        database.migrate()


def create_keys(settings: Settings, options: argparse.Namespace) -> None:
    """Nothing to do when there is a key, unless another one is to follow it."""
    if options.rotate or not key_files(settings.signing_keys_dir):
        print(create_key(settings.signing_keys_dir))


def demo_data(settings: Settings, _options: argparse.Namespace) -> None:
    if not settings.demo_mode:
        raise StartRefused("DEMO_MODE must be 1 to create accounts whose password everybody knows.")
    with closing(Database(settings.database_url)) as database:
        print(f"{create_demo_data(_accounts(settings, database))} demo accounts added")


def create_admin(settings: Settings, options: argparse.Namespace) -> None:
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    with closing(Database(settings.database_url)) as database:
        values = {"email": options.email, "password": password, "roles": [Role.ADMIN]}
        print(_accounts(settings, database).add_unasked(values).id)


def print_sdl() -> None:
    sys.stdout.write(subgraph_sdl())


COMMANDS: Mapping[str, Callable[[Settings, argparse.Namespace], None]] = {
    "serve": serve,
    "migrate": migrate,
    "create-keys": create_keys,
    "create-demo-data": demo_data,
    "create-admin": create_admin,
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
    except ValidationError as error:
        return _said("; ".join(f"{field.path[-1]}: {field.message}" for field in error.fields), 1)
    except OperationalError as error:
        return _said(f"USER_DATABASE_URL: the database did not answer as expected ({error.orig}).", 1)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m user_subgraph")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("serve", "migrate", "create-demo-data", "print-schema"):
        commands.add_parser(name)
    keys = commands.add_parser(
        "create-keys", help="make the first signing key; does nothing when there is one"
    )
    keys.add_argument(
        "--rotate", action="store_true", help="add a newer key, which signs from the next start on"
    )
    admin = commands.add_parser("create-admin", help="asks for the password, or reads it from standard input")
    admin.add_argument("--email", required=True)
    return parser


def _said(sentence: str, status: int) -> int:
    print(sentence, file=sys.stderr)
    return status


def _accounts(settings: Settings, database: Database) -> Accounts:
    return Accounts(database, password_hashes(settings), utc_now)


def _refuse_busy_port(settings: Settings) -> None:
    """The server itself would report a busy port from deep inside a worker."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            raise StartRefused(f"USER_SUBGRAPH_PORT: cannot listen on {where} ({error.strerror}).") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
