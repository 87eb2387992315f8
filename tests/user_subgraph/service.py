"""The whole service in this process, with a clock the test holds, and short ways to use and inspect it."""

import copy
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from flask import Flask, Response, request
from flask.testing import FlaskClient
from sqlalchemy import Connection, event, text
from ulid import ULID

from tests.contract.overheard import secrets_of_errors
from user_subgraph.app import Parts, assembled, create_app
from user_subgraph.settings import Settings
from user_subgraph.user import Role, User, UserId
from user_subgraph.user_repository import UserRepository

PASSWORD = "correct-horse-demo"
NOBODY = "usr_00000000000000000000000000"

ERROR = "... on Error { code message }"
LOGIN = f"""mutation ($input: LoginInput!) {{ login(input: $input) {{ __typename {ERROR}
  ... on LoginSuccess {{ user {{ id email lastLoginAt }}
    tokens {{ accessToken refreshToken tokenType expiresIn scope }} }} }} }}"""
REFRESH = f"""mutation ($refresh: String!) {{ refreshToken(input: {{refreshToken: $refresh}}) {{ __typename {ERROR}
  ... on LoginSuccess {{ user {{ id }} tokens {{ accessToken refreshToken scope }} }} }} }}"""
ENTITIES = """query ($who: [_Any!]!) {
  _entities(representations: $who) { __typename ... on User { id email roles } } }"""


@dataclass
class HeldClock:
    """Stands still until it is moved."""

    now: datetime = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def settings_for(database_url: str, keys_dir: Path, **changes: Any) -> Settings:
    """The defaults, with hashes that cost a millisecond."""
    defaults = Settings.from_environment(
        {
            "USER_DATABASE_URL": database_url,
            "SIGNING_KEYS_DIR": str(keys_dir),
            "ARGON2_TIME_COST": "1",
            "ARGON2_MEMORY_KIB": "8",
            "ARGON2_PARALLELISM": "1",
            "PASSWORD_HASH_WAIT_S": "60",
        }
    )
    return replace(defaults, **changes)


@dataclass(frozen=True)
class Tokens:
    access: str
    refresh: str
    scope: str


@dataclass
class Service:
    settings: Settings
    clock: HeldClock = field(default_factory=HeldClock)
    parts: Parts = field(init=False)
    app: Flask = field(init=False)
    http: FlaskClient = field(init=False)
    secrets_told: list[str] = field(default_factory=list)
    """Secrets that stood in errors it has answered; there must be none."""

    def __post_init__(self) -> None:
        self.parts = assembled(self.settings, self.clock)
        self.app = create_app(self.settings, self.parts)
        self.app.after_request(self._look_for_secrets)
        self.http = self.app.test_client()

    def _look_for_secrets(self, answer: Response) -> Response:
        body = "" if answer.status_code == 413 else request.get_data(as_text=True)  # that one was not read
        said = body + unquote_plus(request.query_string.decode())
        self.secrets_told += secrets_of_errors(said, answer.get_json(silent=True))
        return answer

    def with_own_client(self) -> "Service":
        """The same service for another thread: a test client is one caller."""
        other = copy.copy(self)
        other.http = self.app.test_client()
        return other

    def close(self) -> None:
        self.parts.close()

    def answer(self, query: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """The whole answer: `data`, and `errors` if there are any."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"query": query, "variables": variables}
        whole: dict[str, Any] = self.http.post("/graphql", json=body, headers=headers).get_json()
        return whole

    def data(self, query: str, token: str | None = None, **variables: Any) -> Any:
        """The value of the only root field of an answer that must have no errors."""
        whole = self.answer(query, token, **variables)
        assert "errors" not in whole, whole
        (value,) = whole["data"].values()
        return value

    def refusal(self, query: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """The only error of an answer that must have one and no data."""
        whole = self.answer(query, token, **variables)
        assert not any((whole.get("data") or {}).values()), whole
        (error,) = whole["errors"]
        extensions: dict[str, Any] = error["extensions"]
        return extensions

    def log_in(self, email: str, password: str = PASSWORD, scopes: list[str] | None = None) -> Tokens:
        given = {"email": email, "password": password} | ({} if scopes is None else {"scopes": scopes})
        result = self.data(LOGIN, input=given)
        assert result["__typename"] == "LoginSuccess", result
        tokens = result["tokens"]
        return Tokens(tokens["accessToken"], tokens["refreshToken"], tokens["scope"])

    def refresh(self, token: str) -> dict[str, Any]:
        result: dict[str, Any] = self.data(REFRESH, refresh=token)
        return result

    def add_user(self, email: str, *roles: Role, password: str = PASSWORD, **names: str) -> User:
        values = {"email": email, "password": password, "roles": roles or (Role.CUSTOMER,), **names}
        return self.parts.accounts.add_by_operator(values)

    def add_users(self, count: int, *roles: Role) -> list[UserId]:
        """Many users in one transaction, without passwords."""
        one = self.add_user("user@example.com", *roles)
        others = [
            replace(one, id=UserId(f"usr_{ULID()}".lower()), email=f"user{number}@example.com")
            for number in range(1, count)
        ]
        with self.parts.database.writing() as session:
            for user in others:
                UserRepository(session).add(user, None)
        return [one.id, *(user.id for user in others)]

    def token_of(self, email: str, *roles: Role) -> str:
        """The access token of a new user."""
        self.add_user(email, *roles)
        return self.log_in(email).access

    def rows(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        with self.parts.database.reading() as session:
            return [dict(row) for row in session.execute(text(statement), parameters).mappings()]

    def everything(self, *, but_for: str = "") -> dict[str, list[dict[str, Any]]]:
        """The whole database, but for one table, to show that nothing has changed.

        Without the audit log, it is also without what is kept beside it.
        """
        left_out = {but_for} | ({"audit_origins"} if but_for == "audit_events" else set())
        order = {
            "users": "id",
            "user_roles": "user_id, role",
            "user_search_keys": "user_id, key",
            "sessions": "id",
            "refresh_tokens": "token_hash",
            "totp": "user_id",
            "recovery_codes": "code_hash",
            "passkeys": "id",
            "passkey_enrolments": "user_id",
            "mfa_challenges": "id_hash",
            "one_time_tokens": "token_hash",
            "outgoing_mails": "id",
            "data_exports": "id",
            "audit_events": "id",
            "audit_origins": "event_id",
            "user_events": "id",
            "oauth_clients": "id",
            "authorization_codes": "code_hash",
        }
        return {
            table: self.rows(f"SELECT * FROM {table} ORDER BY {keys}")  # noqa: S608 - our own names
            for table, keys in order.items()
            if table not in left_out
        }

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The SQL statements sent inside the block, BEGIN and COMMIT left out."""
        sent: list[str] = []

        def note(_connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
            if not statement.startswith("BEGIN"):
                sent.append(statement)

        engine = self.parts.database.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            event.remove(engine, "before_cursor_execute", note)


def field_errors(result: Mapping[str, Any]) -> set[tuple[str, str]]:
    """`(path, code)` of each wrong field of a ValidationError."""
    assert result["__typename"] == "ValidationError", result
    return {(".".join(field["path"]), field["code"]) for field in result["fields"]}


def wait_until_somebody_waits(service: Service) -> None:
    """For a lock of PostgreSQL's."""
    deadline = time.monotonic() + 60
    while not service.rows(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ):
        assert time.monotonic() < deadline, "nobody waits for the lock"
        time.sleep(0.01)
