"""`clients …`: which programs are let in by OAuth 2. An operator says so; nobody registers themselves."""

import argparse
from collections.abc import Sequence
from datetime import datetime

from user_subgraph.audit import OPERATOR, Action, noted
from user_subgraph.audit_repository import AuditLog
from user_subgraph.clock import utc_now
from user_subgraph.database import Database
from user_subgraph.errors import CommandRefused
from user_subgraph.oauth_client import (
    APP_SCOPES,
    MACHINE_SCOPES,
    MAX_NAME,
    MAX_REDIRECT_URIS,
    OAuthClient,
    new_client_id,
    redirect_uri_problem,
    scopes_problem,
)
from user_subgraph.oauth_clients import OAuthClients
from user_subgraph.random_secret import new_secret, secret_hash


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    clients = commands.add_parser("clients", help="which apps and machines are let in by OAuth 2")
    actions = clients.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="every client, and what it may have")
    app = actions.add_parser("add-app", help="acts for people who let it in")
    app.add_argument("--redirect-uri", action="append", required=True, help="where they are sent back to")
    app.add_argument(
        "--public", action="store_true", help="an app that can keep no secret: on a device, in a browser"
    )
    machine = actions.add_parser("add-machine", help="acts for itself, with a secret")
    for added in (app, machine):
        added.add_argument("--name", required=True, help="what people call it")
        added.add_argument(
            "--scope", action="append", required=True, help="the most it may have; again for more"
        )
    for name, purpose in (
        ("new-secret", "instead of the one it has, which is no good from now on"),
        ("remove", "with all its sessions; access tokens are good until they expire"),
    ):
        actions.add_parser(name, help=purpose).add_argument("id")


def clients(options: argparse.Namespace, database: Database) -> None:
    now = utc_now()
    match options.action:
        case "list":
            _list(database)
        case "add-app":
            _add(database, options, now, options.redirect_uri, secret=not options.public)
        case "add-machine":
            _add(database, options, now, [], secret=True)
        case "new-secret":
            _new_secret(database, options.id, now)
        case _:
            _remove(database, options.id, now)


def _list(database: Database) -> None:
    with database.reading() as session:
        found = OAuthClients(session).all()
    for client in found:
        where = " ".join(client.redirect_uris) or "a machine"
        print(f"{client.id}  {client.name}  {' '.join(sorted(client.scopes))}  {where}")


def _add(
    database: Database,
    options: argparse.Namespace,
    now: datetime,
    redirect_uris: Sequence[str],
    *,
    secret: bool,
) -> None:
    allowed = APP_SCOPES if redirect_uris else MACHINE_SCOPES
    _refuse(_name_problem(options.name), scopes_problem(options.scope, allowed))
    _refuse(*(redirect_uri_problem(uri) for uri in redirect_uris), _too_many(redirect_uris))
    made = new_secret() if secret else None
    client = OAuthClient(
        new_client_id(),
        options.name,
        None if made is None else secret_hash(made),
        tuple(redirect_uris),
        frozenset(options.scope),
        now,
    )
    with database.writing() as session:
        OAuthClients(session).add(client)
        _record(AuditLog(session, OPERATOR), Action.CLIENT_ADDED, client.id, now)
    _tell(client.id, made)


def _new_secret(database: Database, client_id: str, now: datetime) -> None:
    made = new_secret()
    with database.writing() as session:
        found = OAuthClients(session).by_id(client_id)
        if found is None or found.secret_hash is None:
            raise CommandRefused(
                f"There is no client {client_id} with a secret: `clients list` tells which there are."
            )
        OAuthClients(session).set_secret(client_id, secret_hash(made))
        _record(AuditLog(session, OPERATOR), Action.CLIENT_SECRET_CHANGED, client_id, now)
    _tell(client_id, made)


def _remove(database: Database, client_id: str, now: datetime) -> None:
    with database.writing() as session:
        if not OAuthClients(session).remove(client_id):
            raise CommandRefused(f"There is no client {client_id}: `clients list` tells which there are.")
        _record(AuditLog(session, OPERATOR), Action.CLIENT_REMOVED, client_id, now)
    print(f"{client_id} is removed.")


def _record(log: AuditLog, action: Action, client_id: str, now: datetime) -> None:
    log.record(action, now, subject=None, changes=noted(client=client_id))


def _tell(client_id: str, secret: str | None) -> None:
    """Each on a line of its own, for scripts; the secret is told this once."""
    print(f"client_id={client_id}")
    if secret is not None:
        print(f"client_secret={secret}")


def _name_problem(name: str) -> str | None:
    fits = name.strip() == name and 0 < len(name) <= MAX_NAME and name.isprintable()
    return None if fits else f"A name has 1 to {MAX_NAME} characters, and no space around it."


def _too_many(redirect_uris: Sequence[str]) -> str | None:
    few = len(redirect_uris) <= MAX_REDIRECT_URIS
    return None if few else f"{MAX_REDIRECT_URIS} addresses are enough."


def _refuse(*problems: str | None) -> None:
    for problem in problems:
        if problem is not None:
            raise CommandRefused(problem)
