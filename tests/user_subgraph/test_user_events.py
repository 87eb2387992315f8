"""Telling other services of an erasure: in the transaction that does it, signed, until they have it."""

import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import text

from tests.user_subgraph.service import PASSWORD, Service
from user_subgraph.settings import Settings
from user_subgraph.user import Role, UserId
from user_subgraph.user_event_repository import UserEventRepository
from user_subgraph.webhook_signature import signed_headers, signing_key

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MINE = "mutation ($p: String!) { deleteMyAccount(currentPassword: $p) { __typename } }"
ERASE = "mutation ($id: ID!) { deleteUser(id: $id, mode: ERASE) { __typename } }"


@dataclass
class Receiver:
    """*statuses* are used up, one for each request; then 200 is the answer."""

    url: str
    statuses: list[int] = field(default_factory=list)
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for _, headers, _ in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            one.received.append(
                (self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            )
            self.send_response(one.statuses.pop(0) if one.statuses else 200)
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Not to standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        one = Receiver(f"http://127.0.0.1:{server.server_address[1]}/events/users")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield one
        server.shutdown()
        thread.join()


@pytest.fixture
def service(service: Service, receiver: Receiver) -> Iterator[Service]:
    telling = replace(service.settings, user_events_url=receiver.url, user_events_keys=(signing_key(SECRET),))
    told = Service(telling, service.clock)
    yield told
    told.close()


def erase_somebody(service: Service, email: str = "ada@example.com") -> UserId:
    user = service.add_user(email)
    assert service.data(MINE, service.log_in(email).access, p=PASSWORD)["__typename"] == "DeleteUserSuccess"
    return user.id


def waiting(service: Service) -> list[dict[str, Any]]:
    return service.rows("SELECT attempts, last_error FROM user_events WHERE delivered_at IS NULL")


def test_the_signature_is_that_of_the_specifications_example() -> None:
    headers = signed_headers(
        [signing_key(SECRET)], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_erasure_is_told_by_the_id_alone(service: Service, receiver: Receiver) -> None:
    user_id = erase_somebody(service)

    assert service.parts.deliver_events() == 1

    ((path, headers, body),) = receiver.received
    assert path == "/events/users"
    assert json.loads(body) == {
        "type": "user.erased",
        "timestamp": "2026-11-23T10:00:00Z",
        "data": {"user": {"id": user_id}},
    }
    signed = signed_headers(
        [signing_key(SECRET)], headers["webhook-id"], int(headers["webhook-timestamp"]), body
    )
    assert headers["webhook-signature"] == signed["webhook-signature"]
    assert headers["content-type"] == "application/json"
    assert waiting(service) == []


def test_what_is_delivered_is_not_sent_again(service: Service, receiver: Receiver) -> None:
    erase_somebody(service)

    service.parts.deliver_events()
    service.clock.move(90_000)

    assert service.parts.deliver_events() == 0
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [302, 400, 404, 500, 503])
def test_what_is_not_taken_comes_again_under_the_same_id(
    service: Service, receiver: Receiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.statuses = [status]
    erase_somebody(service)

    with caplog.at_level(logging.WARNING):
        assert service.parts.deliver_events() == 0
    assert waiting(service) == [{"attempts": 1, "last_error": f"status {status}"}]
    assert service.parts.deliver_events() == 0
    service.clock.move(5)
    assert service.parts.deliver_events() == 1

    assert len(set(receiver.ids)) == 1
    assert len(receiver.received) == 2
    assert [record.levelname for record in caplog.records if "not taken" in record.message] == ["WARNING"]


def test_a_receiver_that_is_away_for_weeks_is_told_in_the_end(service: Service, receiver: Receiver) -> None:
    away = replace(service.settings, user_events_url="http://127.0.0.1:9/")
    alone = Service(away, service.clock)
    erase_somebody(service)

    for _ in range(400):
        alone.parts.deliver_events()
        service.clock.move(3_600)
    alone.close()

    assert waiting(service) == [{"attempts": 400, "last_error": "ConnectionRefusedError"}]
    assert service.parts.deliver_events() == 1


def test_who_dies_before_it_is_written_down_leaves_it_to_another(
    service: Service, receiver: Receiver
) -> None:
    erase_somebody(service)
    with service.parts.database.writing() as session:
        (claimed,) = UserEventRepository(session).claim(service.clock(), 10)

    assert service.parts.deliver_events() == 0
    service.clock.move(60)
    assert service.parts.deliver_events() == 1

    assert receiver.ids == [claimed.id]


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_no_more_are_claimed_than_were_asked_for_however_the_database_plans_it(service: Service) -> None:
    """Without hashes and sorts it would look for those that are due anew for each row it has."""
    for number in range(3):
        erase_somebody(service, f"user{number}@example.com")

    with service.parts.database.writing() as session:
        for way in ("hashagg", "hashjoin", "mergejoin", "sort", "material"):
            session.execute(text(f"SET LOCAL enable_{way} = off"))
        claimed = UserEventRepository(session).claim(service.clock(), 1)

    assert len(claimed) == 1
    assert sorted(row["attempts"] for row in waiting(service)) == [0, 0, 1]


def test_several_senders_do_not_send_the_same(service: Service, receiver: Receiver) -> None:
    for number in range(12):
        erase_somebody(service, f"user{number}@example.com")

    with ThreadPoolExecutor(4) as pool:
        rounds = [pool.submit(service.parts.deliver_events) for _ in range(8)]
        taken = sum(int(str(one.result(60))) for one in rounds)

    assert (taken, len(set(receiver.ids)), len(receiver.ids)) == (12, 12, 12)


def test_an_erasure_that_cannot_be_told_does_not_happen(service: Service) -> None:
    service.add_user("ada@example.com")
    token = service.log_in("ada@example.com").access
    before = service.everything()
    with service.parts.database.writing() as session:
        session.execute(text("ALTER TABLE user_events RENAME TO user_events_elsewhere"))

    answer = service.answer(MINE, token, p=PASSWORD)

    with service.parts.database.writing() as session:
        session.execute(text("ALTER TABLE user_events_elsewhere RENAME TO user_events"))
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert service.everything() == before


def test_erasing_again_tells_nothing_more(service: Service) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    user_id = erase_somebody(service)

    service.data(ERASE, admin, id=user_id)

    assert len(waiting(service)) == 1


def test_without_a_receiver_events_wait(service: Service) -> None:
    alone = Service(replace(service.settings, user_events_url=None), service.clock)
    erase_somebody(alone)

    alone.parts.deliver_events()

    assert waiting(alone) == [{"attempts": 0, "last_error": None}]
    alone.close()


def test_the_secret_and_where_events_go_are_not_shown() -> None:
    given = {"USER_EVENTS_URL": "http://me:word@127.0.0.1:8002/x", "USER_EVENTS_SECRET": SECRET}

    assert not any(part in repr(Settings.from_environment(given)) for part in ("me:word", "MfKQ", "1\\xf2"))
