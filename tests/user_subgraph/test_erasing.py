"""deleteUser with ERASE and deleteMyAccount: what is left of a person, and what happens meanwhile."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from sqlalchemy import text

from tests.user_subgraph.service import (
    ERROR,
    LOGIN,
    NOBODY,
    PASSWORD,
    REFRESH,
    HeldClock,
    Service,
    wait_until_somebody_waits,
)
from user_subgraph.audit import Action, AuditEvent, Caller
from user_subgraph.audit_page import AuditFilter, AuditPageRequest
from user_subgraph.audit_repository import AuditLog, forget_origins_of
from user_subgraph.user import Role, UserId
from user_subgraph.user_repository import UserRepository

SUCCESS = "... on DeleteUserSuccess { deletedUserId mode retainedPaymentRecords }"
ERASE = f"""mutation ($id: ID!) {{ deleteUser(id: $id, mode: ERASE) {{ __typename {ERROR} {SUCCESS} }} }}"""
SOFT_DELETE = f"mutation ($id: ID!) {{ deleteUser(id: $id) {{ __typename {ERROR} }} }}"
MINE = f"""mutation ($password: String!) {{
  deleteMyAccount(currentPassword: $password) {{ __typename {ERROR} {SUCCESS} }} }}"""
REGISTER = "mutation ($input: RegisterUserInput!) { registerUser(input: $input) { __typename } }"
PROFILE = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { __typename } }"
LOGOUT = "mutation { logout(scope: OTHER_SESSIONS) { revokedSessions } }"
USER = """query ($id: ID!) { user(id: $id) { id email emailVerified firstName lastName displayName phone locale
  status roles lastLoginAt deletedAt createdAt updatedAt } }"""

EMAIL = "lovelace@example.com"
NAMES = {
    "firstName": "Augusta-Ada",
    "lastName": "Noel-Byron",
    "displayName": "Enchantress",
    "phone": "+4915112345678",
    "locale": "de-CH",
}
ADDRESS, REQUEST_ID, DEVICE = "192.0.2.77", "ada-lovelace-7", "Difference Engine/2"
TRACES = [EMAIL, *NAMES.values(), ADDRESS, REQUEST_ID, DEVICE, "$argon2"]


@pytest.fixture
def service(service: Service) -> Iterator[Service]:
    """Behind a proxy, so that each client has an address of its own."""
    behind = Service(
        replace(service.settings, trusted_proxies=frozenset({ip_network("127.0.0.1")})), HeldClock()
    )
    yield behind
    behind.close()


@pytest.fixture
def admin(service: Service) -> str:
    return service.token_of("admin@example.com", Role.ADMIN)


def as_ada(service: Service) -> Service:
    """The same service, asked from where Ada sits."""
    hers = service.with_own_client()
    hers.http.environ_base["HTTP_X_FORWARDED_FOR"] = ADDRESS
    hers.http.environ_base["HTTP_X_REQUEST_ID"] = REQUEST_ID
    hers.http.environ_base["HTTP_USER_AGENT"] = DEVICE
    return hers


def live_a_life(service: Service) -> tuple[UserId, str]:
    """Ada leaves traces wherever one can; gives her id and an access token."""
    hers = as_ada(service)
    hers.data(REGISTER, input={"email": EMAIL, "password": PASSWORD})
    hers.data(REGISTER, input={"email": EMAIL, "password": PASSWORD})
    hers.data(LOGIN, input={"email": EMAIL, "password": "a wrong password"})
    hers.log_in(EMAIL)
    tokens = hers.log_in(EMAIL)
    hers.refresh(tokens.refresh)
    hers.data(PROFILE, tokens.access, input=NAMES)
    hers.data(LOGOUT, tokens.access)
    (row,) = service.rows("SELECT id FROM users WHERE email = :email", email=EMAIL)
    return UserId(row["id"]), tokens.access


def traces(service: Service) -> list[str]:
    stored = str(list(service.everything().values())).lower()
    return [trace for trace in TRACES if trace.lower() in stored]


def recorded(service: Service, action: Action) -> tuple[AuditEvent, ...]:
    return service.parts.view.audit_trail.page(AuditFilter(action=action), AuditPageRequest(100)).items


def forget_the_admin(service: Service) -> None:
    """Password hashes look alike."""
    with service.parts.database.writing() as session:
        session.execute(text("UPDATE users SET password_hash = NULL WHERE email = 'admin@example.com'"))


# ---------- what is left ----------


def test_nothing_personal_is_left_of_who_was_erased_by_staff(service: Service, admin: str) -> None:
    ada, _ = live_a_life(service)
    forget_the_admin(service)
    assert traces(service) == TRACES

    result = service.data(ERASE, admin, id=ada)

    assert result == {
        "__typename": "DeleteUserSuccess",
        "deletedUserId": ada,
        "mode": "ERASE",
        "retainedPaymentRecords": True,
    }
    assert traces(service) == []
    assert service.rows("SELECT id FROM sessions WHERE user_id = :id", id=ada) == []


def test_nothing_personal_is_left_of_who_leaves(service: Service) -> None:
    ada, token = live_a_life(service)

    result = as_ada(service).data(MINE, token, password=PASSWORD)

    assert (result["deletedUserId"], result["mode"]) == (ada, "ERASE")
    assert traces(service) == []


def test_the_id_stays_with_when_it_was_made_and_deleted(service: Service, admin: str) -> None:
    ada, _ = live_a_life(service)
    service.clock.move(60)
    service.data(ERASE, admin, id=ada)

    shown = service.data(USER, admin, id=ada)

    assert shown == {
        "id": ada,
        "email": None,
        "emailVerified": False,
        **dict.fromkeys(NAMES),
        "status": "DELETED",
        "roles": [],
        "lastLoginAt": None,
        "createdAt": "2026-11-23T10:00:00Z",
        "deletedAt": "2026-11-23T10:01:00Z",
        "updatedAt": "2026-11-23T10:01:00Z",
    }


def test_who_was_deleted_softly_can_be_erased_and_stays_deleted_since_then(
    service: Service, admin: str
) -> None:
    ada, _ = live_a_life(service)
    forget_the_admin(service)
    service.data(SOFT_DELETE, admin, id=ada)
    assert traces(service) == TRACES
    service.clock.move(60)

    assert service.data(ERASE, admin, id=ada)["__typename"] == "DeleteUserSuccess"

    assert traces(service) == []
    assert service.data(USER, admin, id=ada)["deletedAt"] == "2026-11-23T10:00:00Z"


def test_the_address_is_free_again(service: Service, admin: str) -> None:
    ada, _ = live_a_life(service)
    service.data(ERASE, admin, id=ada)

    service.data(REGISTER, input={"email": EMAIL, "password": "another-good-password"})

    service.log_in(EMAIL, "another-good-password")
    (row,) = service.rows("SELECT id FROM users WHERE email = :email", email=EMAIL)
    assert row["id"] != ada


def test_nobody_logs_in_or_goes_on_as_who_was_erased(service: Service, admin: str) -> None:
    ada, token = live_a_life(service)
    refresh = service.log_in(EMAIL).refresh
    service.data(ERASE, admin, id=ada)

    given = {"email": EMAIL, "password": PASSWORD}
    assert service.data(LOGIN, input=given)["__typename"] == "InvalidCredentialsError"
    assert service.refresh(refresh)["__typename"] == "InvalidTokenError"
    assert service.refusal(PROFILE, token, input={"firstName": "Ada"})["code"] == "UNAUTHENTICATED"


def test_what_others_did_to_the_account_keeps_where_they_did_it_from(service: Service, admin: str) -> None:
    ada, _ = live_a_life(service)
    staff = service.with_own_client()
    staff.http.environ_base["HTTP_X_FORWARDED_FOR"] = "192.0.2.1"
    staff.data(ERASE, admin, id=ada)

    (erased,) = recorded(service, Action.USER_ERASED)

    assert (erased.subject_id, erased.ip_address) == (ada, "192.0.2.1")
    assert [(change.field, change.after) for change in erased.changes] == [
        ("email", None),
        ("firstName", None),
        ("lastName", None),
        ("displayName", None),
        ("phone", None),
        ("locale", None),
        ("status", "DELETED"),
        ("roles", ""),
    ]


def test_the_log_still_tells_what_happened(service: Service, admin: str) -> None:
    ada, token = live_a_life(service)
    before = service.rows("SELECT * FROM audit_events ORDER BY id")

    as_ada(service).data(MINE, token, password=PASSWORD)

    after = service.rows("SELECT * FROM audit_events ORDER BY id")
    assert after[: len(before)] == before
    assert [(row["action"], row["actor_id"], row["subject_id"]) for row in after[len(before) :]] == [
        ("user.erased", ada, ada)
    ]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_the_bytes_of_the_file_are_overwritten(service: Service, admin: str) -> None:
    """SQLite would leave deleted rows in its file's free pages."""
    ada, _ = live_a_life(service)
    path = service.parts.database.engine.url.database
    assert path is not None

    def found() -> list[str]:
        with service.parts.database.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        with open(path, "rb") as file:  # noqa: PTH123 - a path of SQLAlchemy's
            content = file.read()
        return [trace for trace in TRACES[:-1] if trace.encode() in content]

    assert found() == TRACES[:-1]

    service.data(ERASE, admin, id=ada)

    assert found() == []


# ---------- again, and who may ----------


def test_erasing_again_is_a_success_and_changes_nothing(service: Service, admin: str) -> None:
    ada, _ = live_a_life(service)
    first = service.data(ERASE, admin, id=ada)
    before = service.everything()

    second = service.data(ERASE, admin, id=ada)

    assert second == first
    assert service.everything() == before


def test_nobody_erases_who_is_not_there(service: Service, admin: str) -> None:
    before = service.everything()

    assert service.data(ERASE, admin, id=NOBODY)["__typename"] == "NotFoundError"
    assert service.data(ERASE, admin, id="x")["__typename"] == "NotFoundError"
    assert service.everything() == before


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.SUPPORT, Role.FINANCE])
def test_only_users_write_erases_others(service: Service, role: Role) -> None:
    ada, _ = live_a_life(service)
    token = service.token_of("other@example.com", role)
    before = service.everything()

    assert service.refusal(ERASE, token, id=ada)["code"] == "FORBIDDEN"
    assert service.everything() == before


def test_a_wrong_password_erases_nothing_and_is_recorded(service: Service) -> None:
    ada, token = live_a_life(service)
    tables = ("users", "sessions", "refresh_tokens")
    before = service.everything()

    result = service.data(MINE, token, password="a wrong password")

    after = service.everything()
    assert (result["__typename"], result["code"]) == ("InvalidCredentialsError", "INVALID_CREDENTIALS")
    assert result["message"] == "The password is wrong."  # not the address: who is logged in has given none
    assert {name: after[name] for name in tables} == {name: before[name] for name in tables}
    (failed,) = recorded(service, Action.REAUTHENTICATION_FAILED)
    assert failed.subject_id == ada


def test_guesses_of_who_is_logged_in_are_bounded(service: Service) -> None:
    """Else a stolen access token would be a way round the bound of `login`."""
    _, token = live_a_life(service)

    outcomes = [service.data(MINE, token, password=f"wrong password {n}")["__typename"] for n in range(11)]
    then = service.data(MINE, token, password=PASSWORD)

    assert set(outcomes[:9]) == {"InvalidCredentialsError"}
    assert outcomes[-1] == then["__typename"] == "RateLimitedError"


def test_who_is_logged_out_erases_nothing(service: Service) -> None:
    _, token = live_a_life(service)
    service.data("mutation { logout { revokedSessions } }", token)
    before = service.everything()

    assert service.refusal(MINE, token, password=PASSWORD)["code"] == "UNAUTHENTICATED"
    assert service.refusal(MINE, password=PASSWORD)["code"] == "UNAUTHENTICATED"
    assert service.everything() == before


def test_a_token_without_profile_write_erases_nothing(service: Service) -> None:
    service.add_user("ada@example.com")
    token = service.log_in("ada@example.com", scopes=["profile:read"]).access

    assert service.refusal(MINE, token, password=PASSWORD)["code"] == "FORBIDDEN"


@pytest.mark.parametrize("attempt", ["by staff", "by themselves"])
def test_the_last_administrator_stays(service: Service, admin: str, attempt: str) -> None:
    (row,) = service.rows("SELECT id FROM users")
    users = service.everything()["users"]

    if attempt == "by staff":
        result = service.data(ERASE, admin, id=row["id"])
    else:
        result = service.data(MINE, admin, password=PASSWORD)

    assert result["__typename"] == "LastAdminError"
    assert service.everything()["users"] == users


def test_an_administrator_can_leave_once_there_is_another(service: Service, admin: str) -> None:
    service.add_user("second@example.com", Role.ADMIN)

    assert service.data(MINE, admin, password=PASSWORD)["__typename"] == "DeleteUserSuccess"


def test_two_administrators_who_leave_at_once_leave_one(service: Service) -> None:
    tokens = [service.token_of(f"admin{number}@example.com", Role.ADMIN) for number in range(2)]
    barrier = threading.Barrier(2)

    def leave(token: str) -> str:
        mine = service.with_own_client()
        barrier.wait()
        typename: str = mine.data(MINE, token, password=PASSWORD)["__typename"]
        return typename

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(leave, tokens))

    assert outcomes == ["DeleteUserSuccess", "LastAdminError"]


# ---------- at the same time ----------

Meanwhile = Callable[[Service, "Life"], Any]


class Life:
    def __init__(self, service: Service) -> None:
        self.id, self.access = live_a_life(service)
        self.refresh = as_ada(service).log_in(EMAIL).refresh


MEANWHILE: dict[str, Meanwhile] = {
    "log in": lambda hers, _life: hers.data(LOGIN, input={"email": EMAIL, "password": PASSWORD}),
    "fail": lambda hers, _life: hers.data(LOGIN, input={"email": EMAIL, "password": "a wrong password"}),
    "refresh": lambda hers, life: hers.data(REFRESH, refresh=life.refresh),
    "update": lambda hers, life: hers.answer(PROFILE, life.access, input=NAMES),
    "log out": lambda hers, life: hers.answer(LOGOUT, life.access),
    "register": lambda hers, _life: hers.data(REGISTER, input={"email": EMAIL, "password": PASSWORD}),
    "leave": lambda hers, life: hers.answer(MINE, life.access, password=PASSWORD),
}


@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("act", MEANWHILE)
def test_whatever_happens_meanwhile_nothing_is_left(
    service: Service, admin: str, act: str, turn: int
) -> None:
    life = Life(service)
    crowd = 4
    barrier = threading.Barrier(crowd + 1)

    def meanwhile(_number: int) -> Any:
        hers = as_ada(service)
        barrier.wait()
        return MEANWHILE[act](hers, life)

    def erase() -> Any:
        mine = service.with_own_client()
        barrier.wait()
        return mine.data(ERASE, admin, id=life.id)

    with ThreadPoolExecutor(crowd + 1) as pool:
        acts = [pool.submit(meanwhile, number) for number in range(crowd)]
        assert pool.submit(erase).result(60)["__typename"] == "DeleteUserSuccess"
        answers = [act.result(60) for act in acts]

    assert not [answer for answer in answers if "INTERNAL" in str(answer)]
    hers = {"id": life.id}
    (row,) = service.rows(
        "SELECT email, first_name, phone, password_hash, status FROM users WHERE id = :id", **hers
    )
    assert set(row.values()) == {None, "DELETED"}
    assert service.rows("SELECT id FROM sessions WHERE user_id = :id", **hers) == []
    assert service.rows("SELECT event_id FROM audit_origins WHERE owner_id = :id", **hers) == []


@contextmanager
def erasing_held_before_its_end(service: Service, user_id: UserId) -> Iterator[None]:
    """Inside the block somebody is being erased: all is done but for the commit."""
    accounts = service.parts.accounts
    with accounts.database.writing() as session:
        users = UserRepository(session)
        before = users.locked(user_id)
        assert before is not None
        accounts._erase(session, users, before)
        yield


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        ("log in", "InvalidCredentialsError"),
        ("refresh", "InvalidTokenError"),
        ("fail", "InvalidCredentialsError"),
    ],
)
def test_who_comes_while_an_account_is_erased_waits_and_leaves_no_trace(
    service: Service, act: str, outcome: str
) -> None:
    """SQLite has one writer at a time."""
    life = Life(service)

    with ThreadPoolExecutor(1) as pool:
        with erasing_held_before_its_end(service, life.id):
            acting = pool.submit(MEANWHILE[act], as_ada(service), life)
            wait_until_somebody_waits(service)
        result = acting.result(timeout=60)

    assert result["__typename"] == outcome
    assert service.rows("SELECT * FROM sessions WHERE user_id = :id", id=life.id) == []
    assert service.rows("SELECT * FROM audit_origins WHERE owner_id = :id", id=life.id) == []


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_an_origin_that_is_being_kept_is_waited_for(service: Service) -> None:
    ada = service.add_user(EMAIL)

    def forget() -> None:
        with service.parts.database.writing() as session:
            forget_origins_of(session, ada.id)

    with ThreadPoolExecutor(1) as pool:
        with service.parts.database.writing() as session:
            log = AuditLog(session, Caller(ada.id, ADDRESS, REQUEST_ID))
            log.record(Action.SESSION_LOGGED_OUT, service.clock(), subject=ada.id)
            forgetting = pool.submit(forget)
            wait_until_somebody_waits(service)
        forgetting.result(timeout=60)

    assert service.rows("SELECT * FROM audit_origins WHERE owner_id = :id", id=ada.id) == []


# ---------- in time ----------


def test_where_an_act_came_from_is_forgotten_after_ninety_days_and_the_act_is_not(service: Service) -> None:
    as_ada(service).data(LOGIN, input={"email": "nobody@example.com", "password": PASSWORD})
    service.clock.move(89 * 86_400)
    as_ada(service).data(LOGIN, input={"email": "nobody@example.com", "password": PASSWORD})

    forgotten = []
    for days in (0.9, 0.2):
        service.clock.move(days * 86_400)
        forgotten.append(service.parts.forget_old_origins())

    assert forgotten == [0, 1]
    assert [act.ip_address for act in recorded(service, Action.LOGIN_FAILED)] == [ADDRESS, None]


def test_more_than_one_batch_is_forgotten(service: Service) -> None:
    with service.parts.database.writing() as session:
        log = AuditLog(session, Caller(None, ADDRESS, REQUEST_ID))
        for _ in range(1_001):
            log.record(Action.LOGIN_FAILED, service.clock(), subject=None)
    service.clock.move(91 * 86_400)

    assert service.parts.forget_old_origins() == 1_001
    assert service.rows("SELECT * FROM audit_origins") == []
