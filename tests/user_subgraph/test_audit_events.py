"""auditEvents: who may read the log, its pages and filters, and what a page costs."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Select, insert, text
from ulid import ULIDGenerator

from tests.user_subgraph.service import NOBODY, Service
from user_subgraph.audit import Action, Caller, noted
from user_subgraph.audit_page import AuditFilter, AuditPageRequest
from user_subgraph.audit_repository import AuditLog, newest_events
from user_subgraph.tables import AuditEventRow
from user_subgraph.user import Role, User, UserId

PAGE = """query ($first: Int = 20, $after: String, $user: ID, $action: String) {
  auditEvents(first: $first, after: $after, userId: $user, action: $action) {
    edges { cursor node { id } } nodes { id action createdAt }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
PEOPLE = """query ($first: Int, $action: String) { auditEvents(first: $first, action: $action) {
    nodes { actor { id email status roles } subject { id email status } } } }"""
DELETE = "mutation ($id: ID!) { deleteUser(id: $id) { __typename } }"


@pytest.fixture
def admin(service: Service) -> str:
    return service.token_of("admin@example.com", Role.ADMIN)


@pytest.fixture
def ada(service: Service) -> User:
    return service.add_user("ada@example.com")


def record(
    service: Service, action: Action, pairs: Sequence[tuple[UserId | None, UserId | None]], step_s: float = 1
) -> None:
    """An event for each pair of an actor and a subject, a moment apart."""
    with service.parts.database.writing() as session:
        for actor, subject in pairs:
            service.clock.move(step_s)
            log = AuditLog(session, Caller(actor, "192.0.2.7", "req-7"))
            log.record(action, service.clock.now, subject=subject, changes=noted(scope="THIS_SESSION"))


def all_pages(service: Service, token: str, size: int, **chosen: Any) -> list[str]:
    """The ids, page by page."""
    found: list[str] = []
    cursor = None
    while True:
        page = service.data(PAGE, token, first=size, after=cursor, **chosen)
        assert page["pageInfo"]["hasPreviousPage"] == (cursor is not None)
        found += [node["id"] for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


# ---------- who may ----------


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.SUPPORT, Role.FINANCE])
def test_the_log_needs_audit_read(service: Service, role: Role) -> None:
    refused = service.refusal(PAGE, service.token_of("x@example.com", role))

    assert (refused["code"], refused["requiredScopes"]) == ("FORBIDDEN", [["audit:read"]])
    assert service.refusal(PAGE)["code"] == "UNAUTHENTICATED"


def test_a_token_without_users_read_sees_what_happened_and_not_to_whom(service: Service, ada: User) -> None:
    service.add_user("admin@example.com", Role.ADMIN)
    narrow = service.log_in("admin@example.com", scopes=["audit:read"]).access

    nodes = service.data(PEOPLE, narrow, first=20)["nodes"]

    assert len(nodes) == 3
    assert {tuple(node.values()) for node in nodes} == {(None, None)}


# ---------- what is shown ----------


def test_an_event_as_it_is_shown(service: Service, admin: str, ada: User) -> None:
    record(service, Action.SESSION_LOGGED_OUT, [(ada.id, ada.id)])
    query = """query ($action: String!) { auditEvents(action: $action) { nodes {
      action actor { email } subject { id } ipAddress requestId changes { field from to } createdAt } } }"""

    (node,) = service.data(query, admin, action="session.logged_out")["nodes"]

    assert node == {
        "action": "session.logged_out",
        "actor": {"email": "ada@example.com"},
        "subject": {"id": ada.id},
        "ipAddress": "192.0.2.7",
        "requestId": "req-7",
        "changes": [{"field": "scope", "from": None, "to": "THIS_SESSION"}],
        "createdAt": "2026-11-23T10:00:01Z",
    }


def test_a_deleted_user_still_shows_and_one_who_never_was_is_null(
    service: Service, admin: str, ada: User
) -> None:
    service.data(DELETE, admin, id=ada.id)
    record(service, Action.USER_UPDATED, [(None, ada.id), (ada.id, UserId(NOBODY))])

    nodes = service.data(PEOPLE, admin, first=20, action="user.updated")["nodes"]

    deleted = {"id": ada.id, "email": "ada@example.com", "status": "DELETED"}
    assert [node["subject"] for node in nodes] == [None, deleted]
    assert [node["actor"] for node in nodes] == [{**deleted, "roles": ["CUSTOMER"]}, None]


# ---------- pages and filters ----------


def test_pages_go_from_the_newest_to_the_oldest_without_a_gap(
    service: Service, admin: str, ada: User
) -> None:
    record(service, Action.LOGIN_FAILED, [(None, ada.id)] * 7)

    whole = service.data(PAGE, admin, first=100)
    moments = [node["createdAt"] for node in whole["nodes"]]
    ids = [node["id"] for node in whole["nodes"]]
    assert moments == sorted(moments, reverse=True)
    assert len(set(ids)) == 10
    assert [edge["cursor"] for edge in whole["edges"]] == ids
    for size in (1, 3, 5, 10):
        assert all_pages(service, admin, size) == ids


def test_what_happens_meanwhile_moves_no_page(service: Service, admin: str, ada: User) -> None:
    record(service, Action.LOGIN_FAILED, [(None, ada.id)] * 4)
    ids = all_pages(service, admin, 100)
    first = service.data(PAGE, admin, first=3)["pageInfo"]["endCursor"]

    record(service, Action.LOGIN_FAILED, [(None, ada.id)] * 4)

    second = service.data(PAGE, admin, first=3, after=first)
    assert [node["id"] for node in second["nodes"]] == ids[3:6]


def test_a_user_is_found_as_actor_and_as_subject_and_each_event_once(
    service: Service, admin: str, ada: User
) -> None:
    grace = service.add_user("grace@example.com")
    pairs = [(ada.id, ada.id), (ada.id, grace.id), (grace.id, ada.id), (grace.id, grace.id), (None, ada.id)]
    record(service, Action.USER_UPDATED, pairs * 3)
    record(service, Action.USER_DELETED, pairs)
    rows = service.rows(
        "SELECT id, action FROM audit_events WHERE actor_id = :ada OR subject_id = :ada ORDER BY id DESC",
        ada=ada.id,
    )
    assert len(rows) == 1 + 4 * 4  # the first: her account was made

    for size in (2, 3, 100):
        assert all_pages(service, admin, size, user=ada.id) == [row["id"] for row in rows]
    deletions = [row["id"] for row in rows if row["action"] == "user.deleted"]
    assert all_pages(service, admin, 3, user=ada.id, action="user.deleted") == deletions


def test_an_action_finds_its_events(service: Service, admin: str, ada: User) -> None:
    record(service, Action.LOGIN_FAILED, [(None, ada.id), (None, None)])

    nodes = service.data(PAGE, admin, action="login.failed")["nodes"]

    assert [node["action"] for node in nodes] == ["login.failed"] * 2


@pytest.mark.parametrize(
    "chosen", [{"user": NOBODY}, {"user": ""}, {"user": "usr_\0"}, {"action": "no.such_thing"}]
)
def test_who_and_what_never_was_has_no_events(service: Service, admin: str, chosen: dict[str, str]) -> None:
    page = service.data(PAGE, admin, **chosen)

    assert page["nodes"] == []
    assert page["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "wrong",
    [
        {"first": 0},
        {"first": 101},
        {"first": None},
        {"after": ""},
        {"after": "aud_\0"},
        {"after": "usr_01hzzzzzzzzzzzzzzzzzzzzzzz"},
        {"action": ""},
        {"action": "User.Created"},
        {"action": "user\0"},
        {"action": "a" * 41},
        {"action": "user.created\n"},
    ],
)
def test_wrong_arguments_are_refused(service: Service, admin: str, wrong: dict[str, Any]) -> None:
    assert service.refusal(PAGE, admin, **wrong)["code"] == "BAD_USER_INPUT"


# ---------- what a page costs ----------


def test_a_page_costs_one_statement_and_its_people_one_more(service: Service, admin: str) -> None:
    users = service.add_users(100)
    record(service, Action.USER_UPDATED, list(zip(users, reversed(users), strict=True)))

    counts = {}
    for many in (20, 100):
        for query in (PAGE, PEOPLE):
            with service.statements() as sent:
                page = service.data(query, admin, first=many, action="user.updated")
            assert len(page["nodes"]) == many
            counts[many, query] = len(sent)
    assert [node["actor"]["id"] for node in page["nodes"]] == users[::-1]

    assert counts == {(20, PAGE): 1, (20, PEOPLE): 2, (100, PAGE): 1, (100, PEOPLE): 2}


def rows_read(service: Service, backend: str, statement: Select[Any]) -> int:
    """How many rows of tables and indexes the database touches, or about so many."""
    engine = service.parts.database.engine
    sql = str(statement.compile(engine, compile_kwargs={"literal_binds": True}))
    if backend == "postgresql":
        (row,) = service.rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        (plan,) = row.values()
        return _rows_of(plan[0]["Plan"])
    with engine.connect() as connection:
        steps = 0

        def count() -> None:
            nonlocal steps
            steps += 1

        raw = connection.connection.driver_connection
        raw.set_progress_handler(count, 10)
        connection.exec_driver_sql(sql).all()
        raw.set_progress_handler(None, 0)
        return steps  # some ten instructions for a row


def _rows_of(plan: dict[str, Any]) -> int:
    removed = sum(count for name, count in plan.items() if name.startswith("Rows Removed"))
    mine = int((plan["Actual Rows"] + removed) * plan["Actual Loops"])
    return mine + sum(_rows_of(inner) for inner in plan.get("Plans", ()))


def record_many(
    service: Service, action: Action, subject: UserId, actors: Sequence[UserId], times: int
) -> None:
    """As `record` does, and much faster."""
    ids = ULIDGenerator()
    rows = []
    for actor in actors * times:
        service.clock.move(1)
        now = service.clock.now
        event = {"id": f"aud_{ids.generate(now)}".lower(), "created_at": now, "changes": []}
        rows.append({**event, "action": action, "actor_id": actor, "subject_id": subject})
    with service.parts.database.writing() as session:
        session.execute(insert(AuditEventRow), rows)


def test_a_page_reads_no_more_the_more_events_there_are(service: Service, backend: str, ada: User) -> None:
    """What is looked for was frequent once, and is not among the newest: a database that tries its luck loses."""
    grace = service.add_user("grace@example.com")
    filters = [AuditFilter(), AuditFilter(user_id=ada.id), AuditFilter(action=Action.LOGIN_FAILED.value)]

    read = []
    for times in (50, 1_000):
        record_many(service, Action.LOGIN_FAILED, ada.id, [ada.id, grace.id], times)
        record_many(service, Action.LOGIN_FAILED, grace.id, [ada.id], times)
        record_many(service, Action.USER_UPDATED, grace.id, [grace.id] * 3, times)
        with service.parts.database.writing() as session:
            session.execute(text("ANALYZE audit_events"))
        ids = [row["id"] for row in service.rows("SELECT id FROM audit_events ORDER BY id")]
        pages = [AuditPageRequest(20), AuditPageRequest(20, ids[len(ids) // 4])]
        read.append([rows_read(service, backend, newest_events(*each)) for each in product(filters, pages)])

    for few, many in zip(*read, strict=True):
        assert many < 2 * few + 100, read


def test_the_order_of_ids_is_that_of_time(service: Service, admin: str, ada: User) -> None:
    """The order of ids is that of time, also for a clock that goes on for years."""
    record(service, Action.LOGIN_FAILED, [(None, ada.id)] * 5, timedelta(days=400).total_seconds())

    rows = service.rows("SELECT created_at FROM audit_events ORDER BY id")

    moments = [str(row["created_at"]) for row in rows]
    assert moments == sorted(moments)
