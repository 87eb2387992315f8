"""What is recorded, by whom and of whom; that it happens together with what it tells of, and that it stays."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.user_subgraph.service import LOGIN, PASSWORD, Service
from user_subgraph.audit import OPERATOR, Action, AuditChange, AuditEvent, Caller, changes_of, noted
from user_subgraph.audit_page import AuditFilter, AuditPageRequest
from user_subgraph.audit_repository import AuditLog
from user_subgraph.user import Role, User, UserId, UserStatus

REGISTER = "mutation ($input: RegisterUserInput!) { registerUser(input: $input) { __typename } }"
CREATE = """mutation ($input: CreateUserInput!) { createUser(input: $input) { ... on UserSuccess { user { id } } } }"""
UPDATE = "mutation ($id: ID!, $input: UpdateUserInput!) { updateUser(id: $id, input: $input) { __typename } }"
DELETE = "mutation ($id: ID!) { deleteUser(id: $id) { __typename } }"
PROFILE = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { __typename } }"
LOGOUT = "mutation ($scope: LogoutScope!) { logout(scope: $scope) { revokedSessions } }"

REVOKE = "mutation ($id: ID!) { revokeSession(id: $id) { __typename } }"
PASSWORD_CHANGE = """mutation ($new: String!, $current: String!) {
  changePassword(input: {currentPassword: $current, newPassword: $new}) { __typename } }"""


def events(service: Service) -> list[AuditEvent]:
    """All, oldest first."""
    page = service.parts.view.audit_trail.page(AuditFilter(), AuditPageRequest(100))
    assert not page.has_more
    return list(reversed(page.items))


@contextmanager
def recording(service: Service) -> Iterator[list[AuditEvent]]:
    """The list holds, after the block, what was recorded in it."""
    before, recorded = len(events(service)), list[AuditEvent]()
    yield recorded
    recorded.extend(events(service)[before:])


def known(event: AuditEvent) -> tuple[str, str | None, str | None]:
    return event.action, event.actor_id, event.subject_id


@pytest.fixture
def ada(service: Service) -> User:
    return service.add_user("ada@example.com")


@pytest.fixture
def admin(service: Service) -> User:
    return service.add_user("admin@example.com", Role.ADMIN)


@pytest.fixture
def admins(service: Service, admin: User) -> str:
    """The administrator's token."""
    return service.log_in("admin@example.com").access


# ---------- what is recorded ----------


def test_an_event_tells_where_the_request_came_from_and_its_id(service: Service, ada: User) -> None:
    body = {"query": LOGIN, "variables": {"input": {"email": "ada@example.com", "password": PASSWORD}}}
    with recording(service) as recorded:
        service.http.post("/graphql", json=body, headers={"X-Request-Id": "req-7"})

    (event,) = recorded
    assert (event.ip_address, event.request_id) == ("127.0.0.1", "req-7")
    assert event.created_at == service.clock.now


def test_behind_a_trusted_proxy_the_address_is_the_clients(service: Service, ada: User) -> None:
    trusting = replace(service.settings, trusted_proxies=frozenset({ip_network("127.0.0.1")}))
    behind = Service(trusting, service.clock)
    body = {"query": LOGIN, "variables": {"input": {"email": "ada@example.com", "password": PASSWORD}}}
    with recording(service) as recorded:
        for asked in (service, behind):
            asked.http.post("/graphql", json=body, headers={"X-Forwarded-For": "192.0.2.7"})
    behind.close()

    assert [event.ip_address for event in recorded] == ["127.0.0.1", "192.0.2.7"]


def test_the_operator_has_neither_account_nor_address(service: Service) -> None:
    with recording(service) as recorded:
        user = service.add_user("root@example.com", Role.ADMIN)

    (event,) = recorded
    assert known(event) == ("user.created", None, user.id)
    assert (event.ip_address, event.request_id) == (None, None)
    assert AuditChange("roles", None, "ADMIN") in event.changes


def test_registering(service: Service) -> None:
    with recording(service) as recorded:
        service.data(REGISTER, input={"email": "neu@example.com", "password": PASSWORD})
        service.data(REGISTER, input={"email": "NEU@example.com", "password": PASSWORD})

    (row,) = service.rows("SELECT id FROM users")
    assert [known(event) for event in recorded] == [
        ("user.registered", None, row["id"]),
        ("user.registered_again", None, row["id"]),
    ]


def test_logging_in(service: Service, ada: User) -> None:
    with recording(service) as recorded:
        service.log_in("ada@example.com")

    (event,) = recorded
    (session,) = service.rows("SELECT id FROM sessions")
    assert known(event) == ("login.succeeded", ada.id, ada.id)
    assert event.changes == (AuditChange("session", None, session["id"]),)


def test_failing_to_log_in_costs_the_same_for_known_and_unknown_addresses(
    service: Service, backend: str, ada: User
) -> None:
    work = []
    with recording(service) as recorded:
        for email in ("ada@example.com", "nobody@example.com"):
            with service.statements() as sent:
                service.data(LOGIN, input={"email": email, "password": "a wrong password"})
            work.append(sent)

    assert [known(event) for event in recorded] == [
        ("login.failed", None, ada.id),
        ("login.failed", None, None),
    ]
    assert work[0] == work[1]
    assert len(work[0]) == (3 if backend == "sqlite" else 4)


def test_a_disabled_account_is_refused(service: Service, admins: str, ada: User) -> None:
    service.data(UPDATE, admins, id=ada.id, input={"status": "SUSPENDED"})
    with recording(service) as recorded:
        service.data(LOGIN, input={"email": "ada@example.com", "password": PASSWORD})

    assert [known(event) for event in recorded] == [("login.refused", None, ada.id)]


@pytest.mark.parametrize(
    ("scope", "revoked"), [("THIS_SESSION", "1"), ("OTHER_SESSIONS", "2"), ("ALL_SESSIONS", "3")]
)
def test_logging_out(service: Service, ada: User, scope: str, revoked: str) -> None:
    token, *_ = [service.log_in("ada@example.com").access for _ in range(3)]
    with recording(service) as recorded:
        service.data(LOGOUT, token, scope=scope)

    (event,) = recorded
    assert known(event) == ("session.logged_out", ada.id, ada.id)
    assert event.changes == noted(scope=scope, revoked_sessions=revoked)


def test_a_session_that_has_ended_records_nothing(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").access
    service.data(LOGOUT, token, scope="THIS_SESSION")
    with recording(service) as recorded:
        service.data(LOGOUT, token, scope="ALL_SESSIONS")

    assert recorded == []


def test_ending_a_session(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").access
    (session,) = service.rows("SELECT id FROM sessions")
    with recording(service) as recorded:
        service.data(REVOKE, token, id=session["id"])

    (event,) = recorded
    assert known(event) == ("session.revoked", ada.id, ada.id)
    assert event.changes == (AuditChange("session", None, session["id"]),)


def test_the_reuse_of_a_refresh_token_is_recorded_once_for_its_family(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").refresh
    (session,) = service.rows("SELECT id FROM sessions")
    service.refresh(service.refresh(token)["tokens"]["refreshToken"])
    with recording(service) as recorded:
        for _ in range(3):
            service.clock.move(11)
            service.refresh(token)

    (event,) = recorded
    assert known(event) == ("refresh_token.reused", None, ada.id)
    assert event.changes == (AuditChange("session", None, session["id"]),)


def test_creating_an_account(service: Service, admin: User, admins: str) -> None:
    given = {"email": "fay@example.com", "firstName": "Fay", "roles": ["FINANCE", "CUSTOMER"]}
    with recording(service) as recorded:
        user = service.data(CREATE, admins, input=given)["user"]

    (event,) = recorded
    assert known(event) == ("user.created", admin.id, user["id"])
    assert set(event.changes) == {
        AuditChange("email", None, None),
        AuditChange("emailVerified", None, "false"),
        AuditChange("firstName", None, None),
        AuditChange("status", None, "PENDING_VERIFICATION"),
        AuditChange("roles", None, "CUSTOMER FINANCE"),
    }


def test_changing_an_account(service: Service, admin: User, admins: str, ada: User) -> None:
    changes = {"status": "SUSPENDED", "roles": ["SUPPORT"], "phone": "+4915112345678", "locale": "de"}
    with recording(service) as recorded:
        service.data(UPDATE, admins, id=ada.id, input=changes)

    (event,) = recorded
    assert known(event) == ("user.updated", admin.id, ada.id)
    assert set(event.changes) == {
        AuditChange("status", "ACTIVE", "SUSPENDED"),
        AuditChange("roles", "CUSTOMER", "SUPPORT"),
        AuditChange("phone", None, None),
        AuditChange("locale", None, None),
    }


def test_deleting_an_account(service: Service, admin: User, admins: str, ada: User) -> None:
    with recording(service) as recorded:
        service.data(DELETE, admins, id=ada.id)

    (event,) = recorded
    assert known(event) == ("user.deleted", admin.id, ada.id)
    assert event.changes == (AuditChange("status", "ACTIVE", "DELETED"),)


def test_changing_ones_profile(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").access
    with recording(service) as recorded:
        service.data(PROFILE, token, input={"firstName": "Ada", "displayName": None})

    (event,) = recorded
    assert known(event) == ("profile.updated", ada.id, ada.id)
    assert event.changes == (AuditChange("firstName", None, None),)


def test_what_is_refused_records_nothing(service: Service, admins: str, ada: User) -> None:
    with recording(service) as recorded:
        service.data(REGISTER, input={"email": "x", "password": PASSWORD})
        service.data(CREATE, admins, input={"email": "ada@example.com"})
        service.data(UPDATE, admins, id=ada.id, input={"version": 7, "firstName": "Eve"})
        service.data(DELETE, admins, id="usr_nobody")
        service.refresh("no such token")

    assert recorded == []


# ---------- no personal data ----------


def test_only_values_that_say_nothing_of_a_person_are_told(ada: User) -> None:
    """Of every field, also of one that is added to `User` later."""
    other = User(
        **{name: f"another {name}" for name in User.__dataclass_fields__}
        | {"status": UserStatus.SUSPENDED, "roles": frozenset({Role.ADMIN}), "email_verified": False}
    )

    told = {change.field for change in changes_of(ada, other) if change.before or change.after}

    assert told == {"emailVerified", "status", "roles"}


def test_no_record_holds_personal_data(service: Service, admins: str) -> None:
    person = {"email": "lovelace@example.com", "firstName": "Augusta-Ada", "lastName": "Noel-Byron"}
    more = {"displayName": "Enchantress", "phone": "+4915112345678"}
    given = {"email": person["email"], "password": PASSWORD}
    service.data(REGISTER, input={**person, "password": PASSWORD})
    service.data(LOGIN, input={**given, "password": "a wrong password"})
    tokens = service.log_in(person["email"])
    service.data(PROFILE, tokens.access, input=more)
    (row,) = service.rows("SELECT id FROM users WHERE first_name IS NOT NULL")
    service.data(UPDATE, admins, id=row["id"], input={"email": "byron-king@example.com", "phone": None})
    service.data(DELETE, admins, id=row["id"])

    stored = str(service.rows("SELECT * FROM audit_events WHERE subject_id = :id", id=row["id"])).lower()

    assert stored.count("aud_") == 6
    values = [*person.values(), *more.values(), "byron-king", PASSWORD, "a wrong password", tokens.refresh]
    assert [value for value in values if value.lower() in stored] == []


# ---------- in the same transaction ----------


@contextmanager
def a_log_that_cannot_be_written(service: Service) -> Iterator[None]:
    def rename(old: str, new: str) -> None:
        with service.parts.database.writing() as session:
            session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    rename("audit_events", "audit_events_elsewhere")
    try:
        yield
    finally:
        rename("audit_events_elsewhere", "audit_events")


Attempt = Callable[[Service, str, UserId], Any]
ATTEMPTS: dict[str, Attempt] = {
    "register": lambda service, _token, _id: service.answer(
        REGISTER, input={"email": "neu@example.com", "password": PASSWORD}
    ),
    "log in": lambda service, _token, _id: service.answer(
        LOGIN, input={"email": "admin@example.com", "password": PASSWORD}
    ),
    "log out": lambda service, token, _id: service.answer(LOGOUT, token, scope="ALL_SESSIONS"),
    "change the password": lambda service, token, _id: service.answer(
        PASSWORD_CHANGE, token, current=PASSWORD, new="violet-anchor-lamp-41"
    ),
    "end a session": lambda service, token, _id: service.answer(
        REVOKE, token, id=service.rows("SELECT id FROM sessions")[0]["id"]
    ),
    "create": lambda service, token, _id: service.answer(CREATE, token, input={"email": "neu@example.com"}),
    "update": lambda service, token, id_: service.answer(UPDATE, token, id=id_, input={"firstName": "Ada"}),
    "delete": lambda service, token, id_: service.answer(DELETE, token, id=id_),
    "profile": lambda service, token, _id: service.answer(PROFILE, token, input={"firstName": "Ada"}),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_what_cannot_be_recorded_does_not_happen(
    service: Service, admins: str, ada: User, attempt: str
) -> None:
    before = service.everything()

    with a_log_that_cannot_be_written(service):
        answer = ATTEMPTS[attempt](service, admins, ada.id)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INTERNAL_SERVER_ERROR"]
    assert service.everything() == before


def test_a_reuse_that_cannot_be_recorded_is_refused_all_the_same(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").refresh
    service.refresh(service.refresh(token)["tokens"]["refreshToken"])
    service.clock.move(11)
    refresh = "mutation ($t: String!) { refreshToken(input: {refreshToken: $t}) { __typename } }"

    with a_log_that_cannot_be_written(service):
        answer = service.answer(refresh, t=token)

    assert answer["data"] == {"refreshToken": None}


def test_what_does_not_happen_is_not_recorded(service: Service, ada: User) -> None:
    class Interrupted(Exception):
        pass

    def record_and_stop() -> None:
        with service.parts.database.writing() as session:
            AuditLog(session, OPERATOR).record(Action.USER_UPDATED, service.clock.now, subject=ada.id)
            raise Interrupted

    with recording(service) as recorded, pytest.raises(Interrupted):
        record_and_stop()

    assert recorded == []


# ---------- append-only ----------

AGAIN = """INSERT INTO audit_events (id, action, changes, created_at)
    SELECT id, 'user.deleted', changes, created_at FROM audit_events WHERE true"""
TAMPERING = {
    "update": "UPDATE audit_events SET action = 'user.deleted'",
    "update of nothing": "UPDATE audit_events SET action = 'user.deleted' WHERE id = 'none'",
    "delete": "DELETE FROM audit_events",
    "upsert": f"{AGAIN} ON CONFLICT (id) DO UPDATE SET action = 'user.deleted'",
}
TAMPERING_ON_SQLITE = {"replace": AGAIN.replace("INSERT", "INSERT OR REPLACE")}
TAMPERING_ON_POSTGRESQL = {
    "truncate": "TRUNCATE audit_events",
    "truncate users": "TRUNCATE users, audit_events CASCADE",
}


ORIGIN_AGAIN = """INSERT INTO audit_origins (event_id, owner_id, ip_address)
    SELECT event_id, owner_id, '192.0.2.66' FROM audit_origins WHERE true"""
TAMPERING_WITH_ORIGINS = {
    "update": "UPDATE audit_origins SET ip_address = '192.0.2.66'",
    "upsert": f"{ORIGIN_AGAIN} ON CONFLICT (event_id) DO UPDATE SET ip_address = '192.0.2.66'",
}
REPLACING_ORIGINS = {"replace": ORIGIN_AGAIN.replace("INSERT", "INSERT OR REPLACE")}


def refused(service: Service, statement: str, why: str = "audit_events is append-only") -> bool:
    try:
        with service.parts.database.writing() as session:
            session.execute(text(statement))
    except IntegrityError as error:
        return why in str(error.orig)
    return False


def test_the_database_refuses_to_change_a_record(service: Service, backend: str, ada: User) -> None:
    of_this_backend = TAMPERING_ON_SQLITE if backend == "sqlite" else TAMPERING_ON_POSTGRESQL
    before = service.everything()

    outcomes = {name: refused(service, sql) for name, sql in (TAMPERING | of_this_backend).items()}

    assert service.everything() == before
    # Nothing of it is a change, and SQLite asks its triggers row by row.
    assert {name for name, is_refused in outcomes.items() if not is_refused} <= {"update of nothing"}


def test_the_database_refuses_to_change_where_an_act_came_from(
    service: Service, backend: str, admins: str
) -> None:
    attempts = TAMPERING_WITH_ORIGINS | (REPLACING_ORIGINS if backend == "sqlite" else {})
    before = service.everything()
    assert before["audit_origins"]

    outcomes = {sql: refused(service, sql, "audit_origins can only be deleted") for sql in attempts.values()}

    assert set(outcomes.values()) == {True}, outcomes
    assert service.everything() == before


def test_events_of_one_moment_are_told_in_the_order_they_were_recorded(service: Service, ada: User) -> None:
    actions = [Action.LOGIN_FAILED, Action.USER_UPDATED, Action.LOGIN_SUCCEEDED] * 5
    with recording(service) as recorded, service.parts.database.writing() as session:
        log = AuditLog(session, Caller(ada.id, None, None))
        for action in actions:
            log.record(action, service.clock.now, subject=ada.id)

    assert [event.action for event in recorded] == actions
