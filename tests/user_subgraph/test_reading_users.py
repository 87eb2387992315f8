"""user, users and _entities: who sees whom, page by page, in a constant number of statements."""

import base64
import json
from typing import Any

import pytest

from tests.user_subgraph.service import ENTITIES, NOBODY, Service
from user_subgraph.user import Role, User

ONE = "query ($id: ID!) { user(id: $id) { id email } }"
PAGE = """query ($first: Int = 20, $after: String, $last: Int, $before: String, $filter: UserFilter,
    $orderBy: UserOrder) {
  users(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
    edges { cursor node { email } } nodes { email roles }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


def representations(*ids: str) -> list[dict[str, str]]:
    return [{"__typename": "User", "id": id_} for id_ in ids]


@pytest.fixture
def ada(service: Service) -> User:
    return service.add_user("ada@example.com")


@pytest.fixture
def admin(service: Service) -> str:
    return service.token_of("admin@example.com", Role.ADMIN)


# ---------- who sees whom ----------


@pytest.mark.parametrize(
    ("role", "scopes", "sees_ada"),
    [
        (Role.CUSTOMER, None, False),
        (Role.FINANCE, None, False),
        (Role.SUPPORT, None, True),
        (Role.ADMIN, None, True),
        (Role.ADMIN, ["profile:read", "payments:read:any"], False),
        (Role.SUPPORT, ["users:read"], True),
    ],
)
def test_others_are_seen_with_users_read_and_else_do_not_exist(
    service: Service, ada: User, role: Role, scopes: list[str] | None, *, sees_ada: bool
) -> None:
    service.add_user("viewer@example.com", role)
    token = service.log_in("viewer@example.com", scopes=scopes).access
    shown = {"id": ada.id, "email": "ada@example.com"} if sees_ada else None

    assert service.data(ONE, token, id=ada.id) == shown
    assert service.data(ONE, token, id=NOBODY) is None
    entity = {"__typename": "User", **shown, "roles": ["CUSTOMER"]} if shown else None
    assert service.data(ENTITIES, token, who=representations(ada.id, NOBODY)) == [entity, None]


def test_the_owner_sees_themselves(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").access

    assert service.data(ONE, token, id=ada.id) == {"id": ada.id, "email": "ada@example.com"}
    (entity,) = service.data(ENTITIES, token, who=representations(ada.id))
    assert entity["email"] == "ada@example.com"


def test_a_token_without_profile_read_does_not_show_its_owner(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com", scopes=["payments:read"]).access

    refused = service.refusal(ONE, token, id=ada.id)
    assert (refused["code"], refused["requiredScopes"]) == ("FORBIDDEN", [["profile:read"], ["users:read"]])
    assert service.data(ENTITIES, token, who=representations(ada.id)) == [None]


def test_the_anonymous_see_nobody(service: Service, ada: User) -> None:
    assert service.refusal(ONE, id=ada.id)["code"] == "UNAUTHENTICATED"
    assert service.refusal("{ users { nodes { id } } }")["code"] == "UNAUTHENTICATED"
    assert service.data(ENTITIES, who=representations(ada.id, NOBODY)) == [None, None]


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.FINANCE])
def test_the_list_needs_users_read(service: Service, role: Role) -> None:
    refused = service.refusal("{ users { nodes { id } } }", service.token_of("x@example.com", role))

    assert (refused["code"], refused["requiredScopes"]) == ("FORBIDDEN", [["users:read"]])


# ---------- _entities ----------


def test_a_malformed_representation_is_an_error_in_its_own_slot(
    service: Service, ada: User, admin: str
) -> None:
    bad: list[Any] = [
        {"__typename": "Payment", "id": "pay_1"},
        {"id": ada.id},
        {"__typename": "User"},
        7,
        "User",
    ]
    bad += [{"__typename": "User", "id": 7}, {"__typename": "User", "id": None}, {}]

    answer = service.answer(ENTITIES, admin, who=[*bad, *representations(ada.id)])

    slots = answer["data"]["_entities"]
    assert slots[:-1] == [None] * len(bad)
    assert slots[-1]["email"] == "ada@example.com"
    assert [error["path"] for error in answer["errors"]] == [["_entities", slot] for slot in range(len(bad))]
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}


def test_fields_that_the_caller_sends_along_are_not_believed(service: Service, ada: User, admin: str) -> None:
    forged = [{"__typename": "User", "id": ada.id, "email": "eve@example.com", "roles": ["ADMIN"]}]

    (entity,) = service.data(ENTITIES, admin, who=forged)
    assert (entity["email"], entity["roles"]) == ("ada@example.com", ["CUSTOMER"])


def test_entities_come_in_the_order_asked_with_repeats(service: Service, ada: User, admin: str) -> None:
    grace = service.add_user("grace@example.com")

    entities = service.data(ENTITIES, admin, who=representations(grace.id, ada.id, "usr_\0", grace.id))

    names = [entity and entity["email"] for entity in entities]
    assert names == ["grace@example.com", "ada@example.com", None, "grace@example.com"]


def test_a_hundred_representations_are_the_most(service: Service, admin: str) -> None:
    assert service.data(ENTITIES, admin, who=representations(*[NOBODY] * 100)) == [None] * 100

    answer = service.answer(ENTITIES, admin, who=representations(*[NOBODY] * 101))
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "QUERY_TOO_COMPLEX"


def test_a_hundred_representations_are_the_most_under_however_many_aliases(service: Service) -> None:
    query = """query ($r: [_Any!]!) {
      a: _entities(representations: $r) { __typename } b: _entities(representations: $r) { __typename } }"""

    fifty, more = (
        service.answer(query, r=[{"__typename": "User", "id": f"usr_{n}"} for n in range(count)])
        for count in (50, 51)
    )

    assert "errors" not in fifty
    assert [error["extensions"]["code"] for error in more["errors"]] == ["QUERY_TOO_COMPLEX"]


# ---------- a constant number of statements ----------


def test_entities_cost_one_statement_however_many(service: Service, admin: str) -> None:
    ids = service.add_users(100)

    counts = {}
    for many in (20, 100):
        with service.statements() as sent:
            entities = service.data(ENTITIES, admin, who=representations(*ids[:many]))
        assert [entity["id"] for entity in entities] == ids[:many]
        counts[many] = len(sent)

    assert counts == {20: 1, 100: 1}


def test_a_page_costs_one_statement_and_the_total_one_more(service: Service, admin: str) -> None:
    service.add_users(100, Role.CUSTOMER, Role.FINANCE)
    query = "query ($first: Int) { users(first: $first) { nodes { id email roles } %s } }"

    counts = {}
    for many in (20, 100):
        for total in ("", "totalCount"):
            with service.statements() as sent:
                page = service.data(query % total, admin, first=many)
            assert len(page["nodes"]) == many
            assert page.get("totalCount") == (101 if total else None)
            counts[many, total] = len(sent)

    assert counts == {(20, ""): 1, (20, "totalCount"): 2, (100, ""): 1, (100, "totalCount"): 2}


# ---------- pages ----------


@pytest.fixture
def five(service: Service, admin: str) -> str:
    """Five customers b…f besides the administrator, one minute apart; the first two at the same moment."""
    for number, letter in enumerate("bcdef"):
        service.add_user(f"{letter}@example.com", first_name=letter)
        service.clock.move(60 if number else 0)
    return admin


def emails(page: dict[str, Any]) -> list[str]:
    return [node["email"].removesuffix("@example.com") for node in page["nodes"]]


@pytest.mark.parametrize("field", ["CREATED_AT", "EMAIL", "LAST_LOGIN_AT"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_pages_put_together_are_the_whole_list_both_ways(
    service: Service, five: str, field: str, direction: str
) -> None:
    order = {"field": field, "direction": direction}
    whole = emails(service.data(PAGE, five, orderBy=order))

    forwards, cursor = [], None
    for _ in range(3):
        page = service.data(PAGE, five, orderBy=order, first=2, after=cursor)
        forwards += emails(page)
        cursor = page["pageInfo"]["endCursor"]
    assert not page["pageInfo"]["hasNextPage"]
    backwards, cursor = [], None
    for _ in range(3):
        page = service.data(PAGE, five, orderBy=order, last=2, before=cursor)
        backwards = emails(page) + backwards
        cursor = page["pageInfo"]["startCursor"]
    assert not page["pageInfo"]["hasPreviousPage"]

    assert len(whole) == 6
    assert forwards == whole
    assert backwards == whole


def test_orders_are_what_they_say(service: Service, five: str) -> None:
    def ordered(field: str, direction: str) -> list[str]:
        return emails(service.data(PAGE, five, orderBy={"field": field, "direction": direction}))

    assert ordered("EMAIL", "ASC") == ["admin", "b", "c", "d", "e", "f"]
    assert ordered("EMAIL", "DESC") == ["f", "e", "d", "c", "b", "admin"]
    assert ordered("CREATED_AT", "DESC")[:3] == ["f", "e", "d"]
    assert ordered("LAST_LOGIN_AT", "DESC")[0] == "admin"
    assert emails(service.data(PAGE, five)) == ordered("CREATED_AT", "DESC")


def test_a_page_tells_what_lies_on_both_sides(service: Service, five: str) -> None:
    order = {"field": "EMAIL", "direction": "ASC"}
    first = service.data(PAGE, five, orderBy=order, first=2)["pageInfo"]
    middle = service.data(PAGE, five, orderBy=order, first=2, after=first["endCursor"])["pageInfo"]
    last = service.data(PAGE, five, orderBy=order, first=2, after=middle["endCursor"])["pageInfo"]

    sides = [(info["hasPreviousPage"], info["hasNextPage"]) for info in (first, middle, last)]
    assert sides == [(False, True), (True, True), (True, False)]


def test_edges_carry_the_cursors_of_their_nodes(service: Service, five: str) -> None:
    page = service.data(PAGE, five, first=3)

    assert [edge["node"]["email"] for edge in page["edges"]] == [node["email"] for node in page["nodes"]]
    after_second = service.data(PAGE, five, first=3, after=page["edges"][1]["cursor"])
    assert after_second["nodes"][0] == page["nodes"][2]


def test_an_empty_page_has_no_cursors(service: Service, five: str) -> None:
    page = service.data(PAGE, five, filter={"search": "no such"})

    nothing = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    assert page == {"edges": [], "nodes": [], "pageInfo": nothing}


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({"search": "ADMIN@"}, ["admin"]),
        ({"search": "%"}, []),
        ({"search": "_"}, []),
        ({"roles": ["ADMIN", "SUPPORT"]}, ["admin"]),
        ({"roles": []}, []),
        ({"status": ["SUSPENDED"]}, ["c"]),
        ({"status": ["DELETED"]}, ["b"]),
        ({"status": ["DELETED", "SUSPENDED"]}, ["b", "c"]),
        ({}, ["admin", "c", "d", "e", "f"]),
        ({"createdAfter": "2026-11-23T11:01:00+01:00"}, ["e", "f"]),
        ({"createdBefore": "2026-11-23T10:01:00Z", "search": "example"}, ["admin", "c"]),
    ],
)
def test_filters(service: Service, five: str, chosen: dict[str, Any], found: list[str]) -> None:
    ids = {row["email"][0]: row["id"] for row in service.rows("SELECT id, email FROM users")}
    service.data("mutation ($id: ID!) { deleteUser(id: $id) { __typename } }", five, id=ids["b"])
    suspend = "mutation ($id: ID!) { updateUser(id: $id, input: {status: SUSPENDED}) { __typename } }"
    service.data(suspend, five, id=ids["c"])

    page = service.data(PAGE, five, filter=chosen, orderBy={"field": "EMAIL", "direction": "ASC"})

    assert emails(page) == found


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "wrong",
    [
        {"first": 0},
        {"first": 101},
        {"first": -1},
        {"first": None},
        {"last": 0},
        {"last": 101},
        {"first": 5, "before": "x"},
        {"last": 5, "after": "x"},
        {"after": "not a cursor"},
        {"after": "bnVsbA"},
        {"after": "\N{SNOWMAN}"},
        {"filter": {"search": "x" * 101}},
        {"filter": {"search": "\0"}},
        {"filter": {"createdAfter": "yesterday"}},
        {"filter": {"createdAfter": "2026-02-30T00:00:00Z"}},
        {"filter": {"createdAfter": 7}},
        {"first": "ten"},
        {"first": 2**40},
        {"orderBy": {"field": "PASSWORD", "direction": "ASC"}},
    ],
)
def test_wrong_arguments_are_refused(service: Service, admin: str, wrong: dict[str, Any]) -> None:
    assert service.refusal(PAGE, admin, **wrong)["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_cursor_of_a_moment_outside_the_calendar_is_bad_input(
    service: Service, five: str, moment: str
) -> None:
    forged = json.dumps(["CREATED_AT", "DESC", moment, "usr_x"]).encode()
    cursor = base64.urlsafe_b64encode(forged).decode()

    assert service.refusal(PAGE, five, after=cursor)["code"] == "BAD_USER_INPUT"


def test_a_cursor_belongs_to_its_order(service: Service, five: str) -> None:
    cursor = service.data(PAGE, five, first=1)["pageInfo"]["endCursor"]

    other = {"field": "EMAIL", "direction": "ASC"}
    assert service.refusal(PAGE, five, after=cursor, orderBy=other)["code"] == "BAD_USER_INPUT"


def test_the_caller_is_read_once_under_however_many_names(service: Service) -> None:
    token = service.token_of("grace@example.com")
    sent_for = []
    for count in (1, 40):
        names = " ".join(f"a{number}: me {{ email }}" for number in range(count))
        with service.statements() as sent:
            answer = service.answer(f"{{ {names} }}", token)
        sent_for.append(len(sent))

    assert {me["email"] for me in answer["data"].values()} == {"grace@example.com"}
    assert sent_for[0] == sent_for[1]
