"""requestDataExport: a copy of a person's data for that person, with what the payment service says in their name."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse, validate
from werkzeug.test import TestResponse

from tests.user_subgraph.service import ERROR, Service
from tests.user_subgraph.test_audit_log import known, recording
from tests.user_subgraph.test_second_factor import challenge, code_of, complete, enabled
from user_subgraph import payments_of_owner
from user_subgraph.user import Role, User

ROOT = Path(__file__).parents[2]
ADA = "ada@example.com"
SHOWN = "id status downloadUrl requestedAt expiresAt"
REQUEST = f"""mutation {{ requestDataExport {{ __typename {ERROR}
  ... on DataExportSuccess {{ dataExport {{ {SHOWN} }} }} ... on RateLimitedError {{ retryAfterSeconds }} }} }}"""
NEWEST = f"{{ dataExport {{ {SHOWN} }} }}"
UPDATE = "mutation ($id: ID!, $input: UpdateUserInput!) { updateUser(id: $id, input: $input) { __typename } }"
DELETE = "mutation ($id: ID!) { deleteUser(id: $id, mode: ERASE) { __typename } }"
DAY = 24 * 3600


@dataclass
class Payments:
    """Answers like the payment service: one page of payments after the other, one page of refunds after the other."""

    url: str
    answers: list[bytes] = field(default_factory=list)
    """Used up first, one for each question."""
    tokens: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    before_answer: Any = None

    def answer(self, question: dict[str, Any]) -> bytes:
        self.asked.append(question["variables"])
        if self.before_answer is not None:
            self.before_answer()
        if self.answers:
            return self.answers.pop(0)
        return json.dumps({"data": self._data(question["query"], question["variables"])}).encode()

    def _data(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "DataExportMethods" in query:
            return {"_entities": [{"paymentMethods": [{"id": "mth_1", "last4": "4242"}]}]}
        if "DataExportRefunds" in query:
            return {"payment": {"refunds": _page([{"id": "rfd_2"}])}}
        if variables["after"] is None:
            paid = {"id": "pay_2", "refunds": _page([{"id": "rfd_1"}], "r1")}
            return {"_entities": [{"payments": _page([paid], "p1")}]}
        return {"_entities": [{"payments": _page([{"id": "pay_1", "refunds": _page([])}])}]}


def _page(nodes: list[Any], end: str | None = None) -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": end is not None, "endCursor": end}, "nodes": nodes}


@pytest.fixture
def payments() -> Iterator[Payments]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["content-length"])))
            one.tokens.append(self.headers["authorization"].removeprefix("Bearer "))
            body = one.answer(question)
            self.send_response(200 if body.startswith(b"{") else 503)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Not to standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        one = Payments(f"http://127.0.0.1:{server.server_address[1]}/graphql")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield one
        server.shutdown()
        thread.join()


@pytest.fixture
def service(service: Service, payments: Payments) -> Iterator[Service]:
    settings = replace(
        service.settings, payment_graphql_url=payments.url, public_url="https://users.example.com"
    )
    asking = Service(settings, service.clock)
    yield asking
    asking.close()


@pytest.fixture
def ada(service: Service) -> User:
    return service.add_user(ADA, first_name="Ada")


def requested(service: Service, token: str) -> dict[str, Any]:
    export: dict[str, Any] = service.data(REQUEST, token)["dataExport"]
    return export


def make(service: Service) -> int:
    return service.parts.data_export_making.make_all_due()


def download(service: Service, export_id: str, token: str | None) -> TestResponse:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return service.http.get(f"/data-exports/{export_id}", headers=headers)


def ready(service: Service, token: str) -> dict[str, Any]:
    """A new export, made."""
    requested(service, token)
    assert make(service) == 1
    export: dict[str, Any] = service.data(NEWEST, token)
    return export


def code_of_refusal(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json()["errors"][0]["extensions"]["code"]


# ---------- what it holds ----------


def test_an_export_is_made_in_the_background_and_downloaded_by_its_owner(service: Service, ada: User) -> None:
    token = service.log_in(ADA).access
    pending = requested(service, token)
    assert (pending["status"], pending["downloadUrl"], pending["expiresAt"]) == ("PENDING", None, None)
    assert download(service, pending["id"], token).status_code == 404

    assert make(service) == 1

    export = service.data(NEWEST, token)
    response = download(service, export["id"], token)
    assert (export["id"], export["status"]) == (pending["id"], "READY")
    assert export["downloadUrl"] == f"https://users.example.com/data-exports/{export['id']}"
    assert export["expiresAt"] == "2026-11-30T10:00:00Z"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{export["id"]}.json"'
    assert response.get_json()["profile"]["email"] == ADA


def test_it_holds_profile_sessions_events_payments_and_methods(service: Service, ada: User) -> None:
    service.log_in(ADA)
    token = service.log_in(ADA).access
    document = download(service, ready(service, token)["id"], token).get_json()

    assert set(document) == {
        "format",
        "madeAt",
        "profile",
        "secondFactor",
        "passkeys",
        "sessions",
        "events",
        "payments",
        "paymentMethods",
    }
    assert (document["profile"]["id"], document["profile"]["firstName"]) == (ada.id, "Ada")
    assert [login["ipAddress"] for login in document["sessions"]] == ["127.0.0.1"] * 2
    assert [event["action"] for event in document["events"]] == [
        "data_export.requested",
        "login.succeeded",
        "login.succeeded",
        "user.created",
    ]
    assert [(event["by"], event["about"]) for event in document["events"]] == [("you", "you")] * 3 + [
        (None, "you")
    ]
    assert document["payments"] == [
        {"id": "pay_2", "refunds": [{"id": "rfd_1"}, {"id": "rfd_2"}]},
        {"id": "pay_1", "refunds": []},
    ]
    assert document["paymentMethods"] == [{"id": "mth_1", "last4": "4242"}]


def test_it_tells_nothing_of_others_who_acted(service: Service, ada: User) -> None:
    admin = service.add_user("admin@example.com", Role.ADMIN)
    staff = service.log_in("admin@example.com").access
    service.data(UPDATE, staff, id=ada.id, input={"lastName": "Lovelace"})
    token = service.log_in(ADA).access

    text = download(service, ready(service, token)["id"], token).get_data(as_text=True)

    (changed,) = [event for event in json.loads(text)["events"] if event["action"] == "user.updated"]
    assert (changed["by"], changed["about"], changed["ipAddress"], changed["requestId"]) == (
        "somebody else",
        "you",
        None,
        None,
    )
    assert admin.id not in text


def test_nothing_secret_is_in_it(service: Service) -> None:
    secret, codes = enabled(service)
    tokens = complete(service, challenge(service), code_of(service, secret))["tokens"]

    text = download(service, ready(service, tokens["accessToken"])["id"], tokens["accessToken"]).get_data(
        as_text=True
    )

    (stored,) = service.rows("SELECT password_hash FROM users")
    hashes = [row["token_hash"] for row in service.rows("SELECT token_hash FROM refresh_tokens")]
    assert hashes
    for hidden in (secret, *codes, tokens["refreshToken"], stored["password_hash"], *hashes):
        assert hidden not in text
    assert json.loads(text)["secondFactor"] == {"enabled": True, "recoveryCodesLeft": 10}


def test_all_events_are_in_it_however_many_there_are(service: Service, ada: User) -> None:
    token = service.log_in(ADA).access
    for number in range(120):
        service.data(
            "mutation ($name: String!) { updateProfile(input: {displayName: $name}) { __typename } }",
            token,
            name=f"Ada {number}",
        )

    document = download(service, ready(service, token)["id"], token).get_json()

    assert [event["action"] for event in document["events"]].count("profile.updated") == 120
    assert len({event["id"] for event in document["events"]}) == 123


def test_the_payment_service_is_asked_in_the_owners_name_and_with_nothing_but_the_right_to_read(
    service: Service, payments: Payments
) -> None:
    token = service.token_of("admin@example.com", Role.ADMIN)
    user_id = service.data("{ me { id } }", token)["id"]
    ready(service, token)

    viewers = {service.parts.view.access_tokens.viewer(one, service.clock()) for one in payments.tokens}
    (viewer,) = viewers
    assert (viewer.user_id, viewer.scopes) == (user_id, {"payments:read"})
    assert service.refusal("{ me { id } }", payments.tokens[0])["code"] == "UNAUTHENTICATED"
    assert [asked.get("who") for asked in payments.asked if "who" in asked] == [
        [{"__typename": "User", "id": user_id}]
    ] * 3


@pytest.mark.parametrize("query", ["PAYMENTS", "REFUNDS", "METHODS"])
def test_what_the_payment_service_is_asked_fits_its_schema(query: str) -> None:
    sdl = (ROOT / "schema" / "payments.graphql").read_text(encoding="utf-8")
    machinery = """scalar _Any union _Entity = User
      extend type Query { _entities(representations: [_Any!]!): [_Entity]! }"""
    schema = build_schema(f"{sdl}\n{machinery}", assume_valid_sdl=True)

    assert validate(schema, parse(getattr(payments_of_owner, query))) == []


# ---------- who gets it, and how often ----------


def test_only_its_owner_downloads_it_and_only_after_a_login_of_just_now(service: Service, ada: User) -> None:
    tokens = service.log_in(ADA)
    export = ready(service, tokens.access)
    admin = service.token_of("admin@example.com", Role.ADMIN)
    narrow = service.log_in(ADA, scopes=["payments:read"]).access
    ended = service.log_in(ADA).access
    service.data("mutation { logout { revokedSessions } }", ended)
    before = service.everything()

    assert code_of_refusal(download(service, export["id"], admin)) == (404, "NOT_FOUND")
    assert code_of_refusal(download(service, "exp_none", tokens.access)) == (404, "NOT_FOUND")
    assert code_of_refusal(download(service, export["id"], narrow)) == (403, "FORBIDDEN")
    assert code_of_refusal(download(service, export["id"], ended)) == (401, "UNAUTHENTICATED")
    assert code_of_refusal(download(service, export["id"], None)) == (401, "UNAUTHENTICATED")
    assert code_of_refusal(download(service, export["id"], "no-token")) == (401, "UNAUTHENTICATED")
    assert service.everything() == before
    service.clock.move(service.settings.fresh_login_s)
    old = service.refresh(tokens.refresh)["tokens"]["accessToken"]
    assert code_of_refusal(download(service, export["id"], old)) == (403, "REAUTHENTICATION_REQUIRED")
    assert service.data(REQUEST, old)["code"] == "REAUTHENTICATION_REQUIRED"


def test_nobody_sees_the_export_of_another(service: Service, ada: User) -> None:
    ready(service, service.log_in(ADA).access)

    assert service.data(NEWEST, service.token_of("grace@example.com")) is None


def test_asking_and_downloading_are_recorded(service: Service, ada: User) -> None:
    token = service.log_in(ADA).access
    with recording(service) as recorded:
        export = ready(service, token)
        download(service, export["id"], token)
        download(service, "exp_none", token)

    assert [known(event) for event in recorded] == [
        ("data_export.requested", ada.id, ada.id),
        ("data_export.downloaded", ada.id, ada.id),
    ]


def test_there_is_one_a_day_and_a_new_one_takes_the_place_of_the_old(service: Service, ada: User) -> None:
    first = ready(service, service.log_in(ADA).access)
    at_once = service.data(REQUEST, service.log_in(ADA).access)
    service.clock.move(DAY - 60)
    refused = service.data(REQUEST, service.log_in(ADA).access)
    service.clock.move(60)

    token = service.log_in(ADA).access
    second = requested(service, token)

    assert at_once["message"] == "There is one copy a day; try again in 24 hours."
    assert (refused["code"], refused["retryAfterSeconds"]) == ("RATE_LIMITED", 60)
    assert second["id"] != first["id"]
    assert download(service, first["id"], token).status_code == 404
    assert len(service.rows("SELECT id FROM data_exports")) == 1


def test_of_many_who_ask_at_once_one_is_heard(service: Service, ada: User) -> None:
    token, start = service.log_in(ADA).access, threading.Barrier(6)

    def ask(_number: int) -> str:
        own = service.with_own_client()
        start.wait(60)
        return str(own.data(REQUEST, token)["__typename"])

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(ask, range(6)))

    assert sorted(answers) == ["DataExportSuccess"] + ["RateLimitedError"] * 5


def test_the_owner_is_told_that_it_is_ready(service: Service, ada: User) -> None:
    ready(service, service.log_in(ADA).access)

    (mail,) = service.rows("SELECT kind, recipient FROM outgoing_mails")
    assert mail == {"kind": "DATA_EXPORT_READY", "recipient": ADA}


def test_a_page_of_another_origin_may_fetch_it_for_who_has_logged_in_there(
    service: Service, ada: User
) -> None:
    token = service.log_in(ADA).access
    path = f"/data-exports/{ready(service, token)['id']}"

    asked = service.http.options(path, headers={"Access-Control-Request-Headers": "authorization"})
    answers = [service.http.get(path, headers={"Authorization": f"Bearer {one}"}) for one in (token, "none")]

    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Headers"] == "Authorization"
    assert [answer.status_code for answer in answers] == [200, 401]
    assert {one.headers["Access-Control-Allow-Origin"] for one in (asked, *answers)} == {"*"}
    assert not any("Access-Control-Allow-Credentials" in one.headers for one in (asked, *answers))


# ---------- the end of it ----------


def test_after_seven_days_it_is_expired_and_its_document_is_deleted(service: Service, ada: User) -> None:
    export = ready(service, service.log_in(ADA).access)
    service.clock.move(7 * DAY - 1)
    assert service.parts.forget_what_has_expired() == 0
    assert download(service, export["id"], service.log_in(ADA).access).status_code == 200
    service.clock.move(1)

    token = service.log_in(ADA).access
    assert download(service, export["id"], token).status_code == 404
    expired = service.data(NEWEST, token)
    assert (expired["status"], expired["downloadUrl"]) == ("EXPIRED", None)
    service.parts.forget_what_has_expired()
    assert service.rows("SELECT document FROM data_exports") == [{"document": None}]
    assert service.data(NEWEST, token)["status"] == "EXPIRED"


def test_erasing_takes_it_along(service: Service, ada: User) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    ready(service, service.log_in(ADA).access)

    service.data(DELETE, admin, id=ada.id)

    assert service.rows("SELECT * FROM data_exports") == []


def test_one_that_is_being_made_while_its_owner_is_erased_leaves_nothing(
    service: Service, ada: User, payments: Payments
) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    requested(service, service.log_in(ADA).access)
    payments.before_answer = lambda: service.with_own_client().data(DELETE, admin, id=ada.id)

    assert make(service) == 0

    assert ADA not in str(service.everything())


def test_one_of_an_account_that_was_closed_fails(service: Service, ada: User, payments: Payments) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    requested(service, service.log_in(ADA).access)
    service.data(UPDATE, admin, id=ada.id, input={"status": "SUSPENDED"})

    assert make(service) == 0

    service.data(UPDATE, admin, id=ada.id, input={"status": "ACTIVE"})
    assert payments.asked == []
    assert service.data(NEWEST, service.log_in(ADA).access)["status"] == "FAILED"


# ---------- a payment service that is away ----------


FORBIDDEN = json.dumps({"errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]}).encode()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"away",
        b"{",
        b"{}",
        b'{"data": null}',
        b'{"data": {"_entities": [null]}}',
        b"[]",
        b'{"errors": [1]}',
        FORBIDDEN,
    ],
)
def test_it_is_made_again_when_the_payment_service_did_not_answer(
    service: Service, ada: User, payments: Payments, answer: bytes
) -> None:
    token = service.log_in(ADA).access
    requested(service, token)
    payments.answers.append(answer)

    assert (make(service), make(service)) == (0, 0)  # not at once
    assert service.data(NEWEST, token)["status"] == "PENDING"
    service.clock.move(10)

    assert make(service) == 1
    assert download(service, service.data(NEWEST, token)["id"], token).get_json()["payments"]


def test_it_fails_after_twelve_hours_and_can_be_asked_for_again(
    service: Service, ada: User, payments: Payments
) -> None:
    requested(service, service.log_in(ADA).access)
    payments.answers = [b"away"] * 200
    for _ in range(72):
        make(service)
        service.clock.move(600)
    token = service.log_in(ADA).access
    assert service.data(NEWEST, token)["status"] == "PENDING"

    make(service)

    assert service.data(NEWEST, token)["status"] == "FAILED"
    payments.answers.clear()
    assert ready(service, token)["status"] == "READY"


def test_without_a_payment_service_it_holds_what_is_here(service: Service, ada: User) -> None:
    alone = Service(replace(service.settings, payment_graphql_url=None), service.clock)
    token = alone.log_in(ADA).access
    document = download(alone, ready(alone, token)["id"], token).get_json()
    alone.close()

    assert "payments" not in document
    assert document["profile"]["id"] == ada.id


def test_two_replicas_make_each_export_once(service: Service) -> None:
    for number in range(8):
        requested(service, service.token_of(f"user{number}@example.com"))
    start = threading.Barrier(2)

    def work(_replica: int) -> int:
        start.wait(60)
        return make(service)

    with ThreadPoolExecutor(2) as replicas:
        made = list(replicas.map(work, range(2)))

    assert sum(made) == 8
    assert service.rows("SELECT DISTINCT attempts, status FROM data_exports") == [
        {"attempts": 1, "status": "READY"}
    ]


def test_one_whose_maker_died_is_made_by_another_after_ten_minutes(service: Service, ada: User) -> None:
    requested(service, service.log_in(ADA).access)
    with pytest.raises(PowerCut):
        replace(service.parts.data_export_making, payments=DyingService()).make_all_due()
    service.clock.move(599)
    assert make(service) == 0

    service.clock.move(1)

    assert make(service) == 1


class PowerCut(BaseException):
    pass


class DyingService:
    def record_of(self, *_: object) -> Any:
        raise PowerCut
