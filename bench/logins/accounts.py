"""Addresses that have an account and addresses that have none, alike in all else."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from string import ascii_lowercase
from typing import Final

from ulid import ULID

from user_subgraph.app import Parts
from user_subgraph.oauth_client import OAuthClient
from user_subgraph.oauth_clients import OAuthClients
from user_subgraph.user import Role, UserId
from user_subgraph.user_repository import UserRepository

APP_ID: Final = f"cli_{'0' * 26}"
CALLBACK: Final = "https://app.example/callback"
_LETTERS: Final = 16


def addresses(randomness: Random, count: int) -> list[str]:
    """All of one length, and all over the alphabet: where they stand in an index says nothing either."""
    return [f"{''.join(randomness.choices(ascii_lowercase, k=_LETTERS))}@example.com" for _ in range(count)]


def add_accounts(parts: Parts, emails: Sequence[str]) -> None:
    """All with one password, so that it is hashed only once."""
    given = {"email": emails[0], "password": "a password that nobody brings", "roles": [Role.CUSTOMER]}
    first = parts.accounts.add_by_operator(given)
    with parts.database.writing() as session:
        users = UserRepository(session)
        password_hash = users.password_hash_of(first.id)
        for email in emails[1:]:
            users.add(replace(first, id=UserId(f"usr_{ULID()}".lower()), email=email), password_hash)


def add_app(parts: Parts) -> None:
    """One that people are asked to let in."""
    scopes, now = frozenset({"profile:read"}), datetime.now(UTC)
    with parts.database.writing() as session:
        OAuthClients(session).add(OAuthClient(APP_ID, "An app", None, (CALLBACK,), scopes, now))
