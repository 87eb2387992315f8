"""User.sessions and revokeSession: one's own logins, each with its device; others' only by users:read."""

from typing import Any

import pytest

from tests.user_subgraph.service import ENTITIES, LOGIN, PASSWORD, REFRESH, Service, Tokens
from user_subgraph.login_session import LoginSession
from user_subgraph.session_repository import SessionRepository
from user_subgraph.sessions import MAX_LISTED
from user_subgraph.user import Role, User, UserId

FIELDS = "sessions { id createdAt lastUsedAt expiresAt ipAddress userAgent current }"
MINE = f"{{ me {{ {FIELDS} }} }}"
ONE = f"query ($id: ID!) {{ user(id: $id) {{ {FIELDS} }} }}"
REVOKE = """mutation ($id: ID!) { revokeSession(id: $id) { __typename
  ... on LogoutSuccess { revokedSessions } ... on NotFoundError { code id message } } }"""


@pytest.fixture
def ada(service: Service) -> User:
    return service.add_user("ada@example.com")


@pytest.fixture
def admin(service: Service) -> str:
    return service.token_of("admin@example.com", Role.ADMIN)


def asked_with(service: Service, user_agent: str, query: str, **variables: Any) -> Any:
    body = {"query": query, "variables": variables}
    answer = service.http.post("/graphql", json=body, headers={"User-Agent": user_agent}).get_json()
    (value,) = answer["data"].values()
    return value


def logged_in_with(service: Service, user_agent: str) -> Tokens:
    given = {"email": "ada@example.com", "password": PASSWORD}
    tokens = asked_with(service, user_agent, LOGIN, input=given)["tokens"]
    return Tokens(tokens["accessToken"], tokens["refreshToken"], tokens["scope"])


def mine(service: Service, token: str) -> list[dict[str, Any]]:
    sessions: list[dict[str, Any]] = service.data(MINE, token)["sessions"]
    return sessions


def many_sessions(service: Service, users: list[UserId], each: int) -> None:
    """As many logins of each, a second apart."""
    with service.parts.database.writing() as session:
        for place, user_id in enumerate(users):
            for number in range(each):
                service.clock.move(1)
                name, now = f"{place:04}{number:04}", service.clock.now
                login = LoginSession(f"ses_{name:0>26}", user_id, None, now, now, now.replace(year=2027))
                SessionRepository(session).add(login, f"{name:0>64}")


# ---------- what is listed ----------


def test_a_session_tells_when_and_with_what_it_was_used(service: Service, ada: User) -> None:
    tokens = logged_in_with(service, "Firefox\x1b[2J/1")
    service.clock.move(60)
    asked_with(service, "Firefox/2", REFRESH, refresh=tokens.refresh)

    (session,) = mine(service, tokens.access)
    (row,) = service.rows("SELECT id FROM sessions")
    assert session == {
        "id": row["id"],
        "createdAt": "2026-11-23T10:00:00Z",
        "lastUsedAt": "2026-11-23T10:01:00Z",
        "expiresAt": "2026-12-23T10:00:00Z",
        "ipAddress": "127.0.0.1",
        "userAgent": "Firefox/2",
        "current": True,
    }


def test_a_programs_name_is_cleaned_before_it_is_kept(service: Service, ada: User) -> None:
    tokens = logged_in_with(service, "Fire\x7ffox" + "x" * 300)

    (session,) = mine(service, tokens.access)
    assert session["userAgent"] == ("Fire fox" + "x" * 300)[:256]


def test_the_last_used_stands_first_and_the_current_one_is_marked(service: Service, ada: User) -> None:
    phone, laptop = logged_in_with(service, "phone"), logged_in_with(service, "laptop")
    service.clock.move(60)
    service.data(REFRESH, refresh=phone.refresh)

    listed = [(session["userAgent"], session["current"]) for session in mine(service, laptop.access)]

    assert len(listed) == 2
    assert listed[1] == ("laptop", True)


def test_what_has_ended_is_not_listed(service: Service, ada: User) -> None:
    ended = service.log_in("ada@example.com")
    service.data("mutation { logout { revokedSessions } }", ended.access)
    many_sessions(service, [ada.id], 1)
    service.clock.move(service.settings.session_ttl_s - 60)
    tokens = service.log_in("ada@example.com")
    with service.parts.database.reading() as session:
        running = SessionRepository(session).running([ada.id], service.clock.now, 9)

    assert [each["id"] for each in mine(service, tokens.access)] == [each.id for each in running[ada.id]]
    assert len(running[ada.id]) == 2


def test_no_more_than_the_last_used_are_listed(service: Service, ada: User) -> None:
    many_sessions(service, [ada.id], MAX_LISTED + 5)
    token = service.log_in("ada@example.com").access

    listed = [session["id"] for session in mine(service, token)]

    rows = service.rows("SELECT id FROM sessions ORDER BY last_used_at DESC, id DESC")
    assert listed == [row["id"] for row in rows][:MAX_LISTED]


@pytest.mark.parametrize(
    "disable",
    [
        "mutation ($id: ID!) { updateUser(id: $id, input: {status: SUSPENDED}) { __typename } }",
        "mutation ($id: ID!) { deleteUser(id: $id) { __typename } }",
    ],
)
def test_the_sessions_of_who_may_not_log_in_have_ended(
    service: Service, ada: User, admin: str, disable: str
) -> None:
    many_sessions(service, [ada.id], 3)

    service.data(disable, admin, id=ada.id)

    assert service.data(ONE, admin, id=ada.id) == {"sessions": []}


# ---------- who sees them ----------


@pytest.mark.parametrize(
    ("role", "scopes", "sees"),
    [
        (Role.CUSTOMER, None, False),
        (Role.FINANCE, None, False),
        (Role.SUPPORT, None, True),
        (Role.ADMIN, ["users:read"], True),
        (Role.ADMIN, ["profile:read"], False),
    ],
)
def test_others_sessions_need_users_read(
    service: Service, ada: User, role: Role, scopes: list[str] | None, *, sees: bool
) -> None:
    many_sessions(service, [ada.id], 1)
    service.add_user("viewer@example.com", role)
    token = service.log_in("viewer@example.com", scopes=scopes).access

    shown = service.data(ONE, token, id=ada.id)

    assert (shown is not None) == sees
    if shown:
        assert [session["current"] for session in shown["sessions"]] == [False]


def test_who_may_write_users_but_not_read_them_sees_no_sessions(service: Service, ada: User) -> None:
    service.add_user("admin@example.com", Role.ADMIN)
    token = service.log_in("admin@example.com", scopes=["users:write", "profile:read"]).access
    update = """mutation ($id: ID!) { updateUser(id: $id, input: {firstName: "Ada"}) {
      ... on UserSuccess { user { sessions { id } } } } }"""

    assert service.data(update, token, id=ada.id) == {"user": {"sessions": None}}


def test_a_token_without_profile_read_shows_no_sessions(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com", scopes=["payments:read"]).access

    answer = service.answer("{ me { id sessions { id } } }", token)

    assert answer["data"] == {"me": {"id": ada.id, "sessions": None}}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


# ---------- what it costs ----------


def test_the_sessions_of_a_page_cost_one_statement_more(service: Service, admin: str) -> None:
    many_sessions(service, service.add_users(100), 2)
    query = "query ($first: Int) { users(first: $first) { nodes { a: sessions { id } b: sessions { id } } } }"

    counts = {}
    for many in (20, 100):
        with service.statements() as sent:
            page = service.data(query, admin, first=many)
        assert [len(node["a"]) for node in page["nodes"]].count(2) == many
        assert all(node["a"] == node["b"] for node in page["nodes"])
        counts[many] = len(sent)

    assert counts == {20: 2, 100: 2}


def test_the_sessions_of_entities_and_of_the_audit_log_cost_one_statement_more(
    service: Service, admin: str
) -> None:
    ids = service.add_users(50)
    many_sessions(service, ids, 1)
    who = [{"__typename": "User", "id": id_} for id_ in ids]
    entities = (
        "query ($who: [_Any!]!) { _entities(representations: $who) { ... on User { sessions { id } } } }"
    )
    events = "{ auditEvents(first: 100) { nodes { actor { sessions { id } } subject { sessions { id } } } } }"

    with service.statements() as for_entities:
        found = service.data(entities, admin, who=who)
    with service.statements() as for_events:
        service.data(events, admin)

    assert [len(entity["sessions"]) for entity in found] == [1] * 50
    assert (len(for_entities), len(for_events)) == (2, 3)
    assert len(service.data(ENTITIES, admin, who=who)) == 50


def test_what_a_mutation_ends_the_next_one_does_not_show(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").access
    many_sessions(service, [ada.id], 1)
    query = """mutation ($id: ID!) {
      before: updateProfile(input: {firstName: "A"}) { ... on UserSuccess { user { sessions { id } } } }
      revokeSession(id: $id) { __typename }
      after: updateProfile(input: {firstName: "B"}) { ... on UserSuccess { user { sessions { id } } } } }"""

    answer = service.answer(query, token, id=f"ses_{0:026}")["data"]

    assert [len(answer[name]["user"]["sessions"]) for name in ("before", "after")] == [2, 1]


# ---------- ending one ----------


def test_a_session_of_ones_own_is_ended(service: Service, ada: User) -> None:
    here, lost = service.log_in("ada@example.com"), service.log_in("ada@example.com")
    (other,) = [session["id"] for session in mine(service, here.access) if not session["current"]]

    assert service.data(REVOKE, here.access, id=other) == {
        "__typename": "LogoutSuccess",
        "revokedSessions": 1,
    }

    assert service.refresh(lost.refresh)["__typename"] == "InvalidTokenError"
    assert service.refusal(MINE, lost.access)["code"] == "UNAUTHENTICATED"
    assert service.refresh(here.refresh)["__typename"] == "LoginSuccess"


def test_ending_the_current_session_is_logging_out(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").access
    (session,) = mine(service, token)

    assert service.data(REVOKE, token, id=session["id"])["__typename"] == "LogoutSuccess"

    assert service.refusal(MINE, token)["code"] == "UNAUTHENTICATED"
    assert service.refusal(REVOKE, token, id=session["id"])["code"] == "UNAUTHENTICATED"


def test_what_is_no_running_session_of_ones_own_is_not_found_and_stays(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").access
    grace = service.add_user("grace@example.com")
    many_sessions(service, [grace.id], 1)
    ended = service.log_in("ada@example.com").access
    (now_ended,) = [session["id"] for session in mine(service, ended) if session["current"]]
    service.data("mutation { logout { revokedSessions } }", ended)
    before = service.everything()

    answers = [
        service.data(REVOKE, token, id=id_) for id_ in ("ses_00000000", now_ended, "ses_none", "", "x" * 999)
    ]

    assert {(answer["__typename"], answer["code"], answer["message"]) for answer in answers} == {
        ("NotFoundError", "NOT_FOUND", "There is no such object, or it is not yours.")
    }
    assert service.everything() == before


def test_ending_a_session_needs_profile_write(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com", scopes=["profile:read"]).access

    assert service.refusal(REVOKE, token, id="ses_1")["code"] == "FORBIDDEN"
    assert service.refusal(REVOKE, id="ses_1")["code"] == "UNAUTHENTICATED"
