"""Guesses, registrations and refreshes are bounded, and neither the bounds nor their refusals tell who has an account."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_network
from types import FrameType
from typing import Any

import argon2
import pytest

from tests.user_subgraph.service import PASSWORD, REFRESH, Service
from tests.user_subgraph.valkey_server import valkey_server
from user_subgraph import moving_windows
from user_subgraph.app import create_app
from user_subgraph.audit import OPERATOR, noted
from user_subgraph.audit_page import AuditFilter, AuditPageRequest
from user_subgraph.bounds import BOUNDS, Bound, Bounds, Throttled
from user_subgraph.errors import ConflictError, RateLimitedError
from user_subgraph.passwords import PasswordHashes
from user_subgraph.user import Role

WRONG = "a wrong password"
ADA, NOBODY = "ada@example.com", "nobody@example.com"
WAIT = "... on RateLimitedError { code retryAfterSeconds }"
LOGIN_OR_WAIT = f"mutation ($input: LoginInput!) {{ login(input: $input) {{ __typename {WAIT} }} }}"
REGISTER = f"mutation ($input: RegisterUserInput!) {{ registerUser(input: $input) {{ __typename {WAIT} }} }}"
REFRESH_OR_WAIT = (
    f"mutation ($token: String!) {{ refreshToken(input: {{refreshToken: $token}}) {{ __typename {WAIT} }} }}"
)


class CountingHashes(PasswordHashes):
    """Knows how many passwords were looked at."""

    def __init__(self, hasher: argon2.PasswordHasher) -> None:
        super().__init__(hasher, slots=4, wait_s=20)
        self.looked_at = 0
        self._counting = threading.Lock()

    def hash(self, password: str) -> str:
        with self._counting:
            self.looked_at += 1
        return super().hash(password)

    def matches(self, password: str, stored: str | None) -> bool:
        with self._counting:
            self.looked_at += 1
        return super().matches(password, stored)


@pytest.fixture
def hashes(service: Service) -> CountingHashes:
    """Those that *service* counts its hashes with, from here on."""
    counting = CountingHashes(argon2.PasswordHasher(1, 8, 1))
    view = service.parts.view
    counted = replace(
        view,
        accounts=replace(view.accounts, passwords=counting),
        login=replace(view.login, passwords=counting),
    )
    service.parts = replace(service.parts, accounts=counted.accounts, view=counted)
    service.app = create_app(service.settings, service.parts)
    service.http = service.app.test_client()
    return counting


def guess(service: Service, email: str, password: str = WRONG) -> str:
    typename: str = service.data(LOGIN_OR_WAIT, input={"email": email, "password": password})["__typename"]
    return typename


def guesses(service: Service, email: str, count: int) -> list[str]:
    return [guess(service, email) for _ in range(count)]


FAILED, REFUSED, RIGHT = "InvalidCredentialsError", "RateLimitedError", "LoginSuccess"

# ---------- an account ----------


@pytest.mark.parametrize("email", [ADA, NOBODY, "not an address", "a\0b@example.com", "x" * 5000])
def test_the_eleventh_guess_is_refused_unseen_for_known_and_unknown_alike(
    service: Service, hashes: CountingHashes, email: str
) -> None:
    service.add_user(ADA)
    hashes.looked_at = 0
    assert guesses(service, email, 10) == [FAILED] * 10

    refused = service.data(LOGIN_OR_WAIT, input={"email": email, "password": PASSWORD})

    assert refused == {"__typename": REFUSED, "code": "RATE_LIMITED", "retryAfterSeconds": 900}
    assert hashes.looked_at == 10


def test_other_spellings_of_an_address_are_the_same_account(service: Service) -> None:
    service.add_user("wörter@example.com")
    spellings = ["wörter@example.com", "WÖRTER@Example.com", "wo\u0308rter@example.com"]
    for number in range(10):
        assert guess(service, spellings[number % 3]) == FAILED

    assert [guess(service, spelling, PASSWORD) for spelling in spellings] == [REFUSED] * 3


def test_after_the_window_the_right_password_is_right_again(service: Service) -> None:
    service.add_user(ADA)
    guesses(service, ADA, 9)
    service.clock.move(600)
    guesses(service, ADA, 1)
    given = {"email": ADA, "password": PASSWORD}
    assert service.data(LOGIN_OR_WAIT, input=given)["retryAfterSeconds"] == 300

    service.clock.move(299)
    assert guess(service, ADA, PASSWORD) == REFUSED
    service.clock.move(1)
    assert guess(service, ADA, PASSWORD) == RIGHT


def test_another_account_is_not_concerned(service: Service) -> None:
    service.add_user(ADA)
    service.add_user("grace@example.com")
    guesses(service, ADA, 11)

    assert guess(service, "grace@example.com", PASSWORD) == RIGHT


def test_right_passwords_are_not_counted_and_wipe_out_no_wrong_ones(service: Service) -> None:
    service.add_user(ADA)
    assert [guess(service, ADA, PASSWORD) for _ in range(12)] == [RIGHT] * 12
    guesses(service, ADA, 9)
    assert guess(service, ADA, PASSWORD) == RIGHT

    assert guesses(service, ADA, 1) == [FAILED]
    assert guess(service, ADA, PASSWORD) == REFUSED


def test_the_right_password_of_a_disabled_account_is_not_counted(service: Service) -> None:
    user = service.add_user(ADA)
    admin = service.token_of("admin@example.com", Role.ADMIN)
    service.data("mutation ($id: ID!) { deleteUser(id: $id) { __typename } }", admin, id=user.id)

    assert [guess(service, ADA, PASSWORD) for _ in range(12)] == ["AccountDisabledError"] * 12


def test_what_else_is_asked_for_after_the_right_password_is_not_counted(service: Service) -> None:
    throttling = service.parts.throttling

    for _ in range(12):
        with pytest.raises(ConflictError), throttling.guess(Throttled.LOGIN, ADA, OPERATOR):
            raise ConflictError(1)

    assert guesses(service, ADA, 11) == [FAILED] * 10 + [REFUSED]


def test_a_guess_that_found_no_slot_for_its_hash_is_not_counted(service: Service) -> None:
    service.add_user(ADA)
    hashes = PasswordHashes(argon2.PasswordHasher(1, 8, 1), slots=1, wait_s=0)
    login = replace(service.parts.view.login, passwords=hashes)

    with hashes.slot():
        for _ in range(12):
            with pytest.raises(RateLimitedError):
                login.log_in(ADA, PASSWORD, None)

    assert login.log_in(ADA, PASSWORD, None)


def test_a_guess_that_ends_in_a_fault_is_counted(service: Service) -> None:
    """Else a fault that somebody can bring about would make guesses free."""

    class Fault(Exception):
        pass

    class Faulty(PasswordHashes):
        def matches(self, *_: object) -> bool:
            raise Fault

    login = replace(
        service.parts.view.login, passwords=Faulty(argon2.PasswordHasher(1, 8, 1), slots=1, wait_s=1)
    )

    for _ in range(10):
        with pytest.raises(Fault):
            login.log_in(ADA, PASSWORD, None)
    with pytest.raises(RateLimitedError):
        login.log_in(ADA, PASSWORD, None)


def test_a_throttled_owner_keeps_the_sessions_that_live(service: Service) -> None:
    service.add_user(ADA)
    tokens = service.log_in(ADA)
    guesses(service, ADA, 11)
    assert guess(service, ADA, PASSWORD) == REFUSED

    renewed = service.data(REFRESH, refresh=tokens.refresh)

    assert renewed["__typename"] == RIGHT
    assert service.data("{ me { email } }", renewed["tokens"]["accessToken"]) == {"email": ADA}


# ---------- many at once ----------


def aliased(count: int, email: str) -> tuple[str, dict[str, Any]]:
    fields = " ".join(f"g{number}: login(input: $input) {{ __typename }}" for number in range(count))
    return f"mutation ($input: LoginInput!) {{ {fields} }}", {"input": {"email": email, "password": WRONG}}


@pytest.mark.parametrize("email", [ADA, NOBODY])
def test_guesses_under_aliases_in_one_request_are_as_many_as_they_are(
    service: Service, hashes: CountingHashes, email: str
) -> None:
    service.add_user(ADA)
    hashes.looked_at = 0

    query, variables = aliased(50, email)
    assert service.refusal(query, **variables)["code"] == "QUERY_TOO_COMPLEX"
    assert hashes.looked_at == 0

    query, variables = aliased(5, email)
    answers = [service.answer(query, **variables)["data"] for _ in range(10)]
    outcomes = [result["__typename"] for answer in answers for result in answer.values()]
    assert outcomes == [FAILED] * 10 + [REFUSED] * 40
    assert hashes.looked_at == 10


@pytest.mark.parametrize("email", [ADA, NOBODY])
def test_of_thirty_guesses_at_one_moment_ten_are_looked_at(
    service: Service, hashes: CountingHashes, email: str
) -> None:
    service.add_user(ADA)
    hashes.looked_at = 0
    barrier = threading.Barrier(30)

    def attempt(_: int) -> str:
        mine = service.with_own_client()
        barrier.wait()
        return guess(mine, email)

    with ThreadPoolExecutor(30) as pool:
        outcomes = sorted(pool.map(attempt, range(30)))

    assert outcomes == [FAILED] * 10 + [REFUSED] * 20
    assert hashes.looked_at == 10


# ---------- a client ----------


def few(what: Throttled, **bounds: Bound) -> Mapping[Throttled, Bounds]:
    return {**BOUNDS, what: replace(BOUNDS[what], **bounds)}


@pytest.fixture
def behind_a_proxy(service: Service) -> Iterator[Service]:
    """The same database behind a proxy that says whose requests they are; few guesses and refreshes for each."""
    bounds = {
        **few(Throttled.LOGIN, per_client=Bound(3, 900)),
        Throttled.REFRESH_TOKEN: Bounds(per_client=Bound(3, 900)),
        Throttled.REGISTRATION: Bounds(per_client=Bound(3, 900)),
    }
    settings = replace(service.settings, trusted_proxies=frozenset({ip_network("127.0.0.1")}), bounds=bounds)
    behind = Service(settings, service.clock)
    yield behind
    behind.close()


def from_address(service: Service, address: str, query: str, **variables: Any) -> str:
    body = {"query": query, "variables": variables}
    answer = service.http.post("/graphql", json=body, headers={"X-Forwarded-For": address}).get_json()
    ((_, result),) = answer["data"].items()
    typename: str = result["__typename"]
    return typename


def guess_from(service: Service, address: str, email: str, password: str = WRONG) -> str:
    return from_address(service, address, LOGIN_OR_WAIT, input={"email": email, "password": password})


def test_a_client_has_few_guesses_at_all_accounts_together(behind_a_proxy: Service) -> None:
    behind_a_proxy.add_user(ADA)
    for number in range(3):
        assert guess_from(behind_a_proxy, "192.0.2.7", f"user{number}@example.com") == FAILED

    assert guess_from(behind_a_proxy, "192.0.2.7", ADA, PASSWORD) == REFUSED
    assert guess_from(behind_a_proxy, "192.0.2.8", ADA, PASSWORD) == RIGHT


def test_who_is_over_the_bound_of_a_client_uses_up_no_account(behind_a_proxy: Service) -> None:
    behind_a_proxy.add_user(ADA)
    for _ in range(30):
        guess_from(behind_a_proxy, "192.0.2.7", ADA)

    assert guess_from(behind_a_proxy, "192.0.2.8", ADA, PASSWORD) == RIGHT


def test_who_is_refused_at_an_account_uses_up_no_guesses_of_the_client(behind_a_proxy: Service) -> None:
    for number in range(10):
        assert guess_from(behind_a_proxy, f"192.0.2.{number}", ADA) == FAILED
    for _ in range(5):
        assert guess_from(behind_a_proxy, "192.0.2.77", ADA) == REFUSED

    assert guess_from(behind_a_proxy, "192.0.2.77", NOBODY) == FAILED


def test_an_account_of_ones_own_gives_a_client_no_guesses_at_others(behind_a_proxy: Service) -> None:
    behind_a_proxy.add_user("eve@example.com")
    outcomes = []
    for number in range(5):
        outcomes.append(guess_from(behind_a_proxy, "192.0.2.7", f"user{number}@example.com"))
        outcomes.append(guess_from(behind_a_proxy, "192.0.2.7", "eve@example.com", PASSWORD))

    assert outcomes == [FAILED, RIGHT] * 2 + [FAILED] + [REFUSED] * 5


def test_all_addresses_of_an_ipv6_network_are_one_client(behind_a_proxy: Service) -> None:
    for number in range(3):
        assert guess_from(behind_a_proxy, f"2001:db8:0:1::{number}", f"user{number}@example.com") == FAILED

    assert guess_from(behind_a_proxy, "2001:db8:0:1:ffff::1", NOBODY) == REFUSED
    assert guess_from(behind_a_proxy, "2001:db8:0:2::1", NOBODY) == FAILED


def test_without_trusted_proxies_nobody_is_refused_for_the_guesses_of_others(service: Service) -> None:
    """All requests may come from the gateway's address."""
    bounds = few(Throttled.LOGIN, per_client=Bound(3, 900))
    behind_the_gateway = Service(replace(service.settings, bounds=bounds), service.clock)
    behind_the_gateway.add_user(ADA)
    for number in range(12):
        assert guess_from(behind_the_gateway, "192.0.2.7", f"user{number}@example.com") == FAILED

    assert guess_from(behind_the_gateway, "192.0.2.7", ADA, PASSWORD) == RIGHT
    behind_the_gateway.close()


# ---------- refreshing ----------


def test_a_client_brings_few_bad_refresh_tokens_and_any_number_of_good_ones(behind_a_proxy: Service) -> None:
    behind_a_proxy.add_user(ADA)
    tokens = [behind_a_proxy.log_in(ADA).refresh for _ in range(4)]

    bad = [from_address(behind_a_proxy, "192.0.2.7", REFRESH_OR_WAIT, token="none") for _ in range(5)]
    good = [from_address(behind_a_proxy, "192.0.2.7", REFRESH_OR_WAIT, token=token) for token in tokens]

    assert bad == ["InvalidTokenError"] * 3 + [REFUSED] * 2
    assert good == [RIGHT] * 4
    assert from_address(behind_a_proxy, "192.0.2.8", REFRESH_OR_WAIT, token="none") == "InvalidTokenError"


# ---------- registering ----------


@pytest.mark.parametrize("email", [ADA, NOBODY])
def test_an_address_is_registered_five_times_an_hour(
    service: Service, hashes: CountingHashes, email: str
) -> None:
    service.add_user(ADA)
    hashes.looked_at = 0
    given = {"email": email, "password": PASSWORD}
    invalid = service.data(REGISTER, input={**given, "password": "short"})
    outcomes = [service.data(REGISTER, input=given) for _ in range(6)]

    assert invalid == {"__typename": "ValidationError"}
    assert outcomes[:5] == [{"__typename": "RegisterUserSuccess"}] * 5
    assert outcomes[5] == {"__typename": REFUSED, "code": "RATE_LIMITED", "retryAfterSeconds": 3600}
    assert hashes.looked_at == 5
    service.clock.move(3600)
    assert service.data(REGISTER, input=given) == {"__typename": "RegisterUserSuccess"}


def test_a_registration_that_found_no_slot_for_its_hash_is_not_counted(service: Service) -> None:
    hashes = PasswordHashes(argon2.PasswordHasher(1, 8, 1), slots=1, wait_s=0)
    accounts = replace(service.parts.accounts, passwords=hashes)

    with hashes.slot():
        for _ in range(6):
            with pytest.raises(RateLimitedError):
                accounts.register({"email": ADA, "password": PASSWORD})

    assert accounts.register({"email": ADA, "password": PASSWORD})


def test_a_client_registers_few_addresses(behind_a_proxy: Service) -> None:
    outcomes = [
        from_address(
            behind_a_proxy,
            address,
            REGISTER,
            input={"email": f"user{number}@example.com", "password": PASSWORD},
        )
        for number, address in enumerate(["192.0.2.7"] * 4 + ["192.0.2.8"])
    ]

    assert outcomes == ["RegisterUserSuccess"] * 3 + [REFUSED, "RegisterUserSuccess"]


# ---------- what is recorded, and what the time tells ----------


def recorded(service: Service, action: str) -> list[Any]:
    page = service.parts.view.audit_trail.page(AuditFilter(None, action), AuditPageRequest(100))
    return list(reversed(page.items))


def test_refusals_are_recorded_once_for_a_window(service: Service) -> None:
    user = service.add_user(ADA)
    for email in (ADA, NOBODY):
        guesses(service, email, 30)

    known, unknown = recorded(service, "login.throttled")
    assert (known.actor_id, known.subject_id, unknown.subject_id) == (None, user.id, None)
    assert known.changes == unknown.changes == noted(bound="account")
    assert known.ip_address == "127.0.0.1"

    service.clock.move(900)
    guesses(service, ADA, 30)
    assert len(recorded(service, "login.throttled")) == 3


def test_refusals_of_a_client_are_recorded(behind_a_proxy: Service) -> None:
    for number in range(6):
        guess_from(behind_a_proxy, "192.0.2.7", f"user{number}@example.com")
        from_address(behind_a_proxy, "192.0.2.7", REFRESH_OR_WAIT, token="none")

    for action in ("login.throttled", "refresh_token.throttled"):
        (event,) = recorded(behind_a_proxy, action)
        assert (event.subject_id, event.ip_address) == (None, "192.0.2.7")
        assert event.changes == noted(bound="client")


@contextmanager
def own_calls() -> Iterator[Counter[str]]:
    """How often each function of the service is called in the block."""
    called: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith("user_subgraph."):
            called[f"{module}.{frame.f_code.co_qualname}"] += 1

    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)


def test_refusals_of_known_and_unknown_addresses_are_the_same_work(
    service: Service, hashes: CountingHashes, backend: str
) -> None:
    """`make bench-logins` measures the time they take."""
    service.add_user(ADA)
    work = []
    for email in (ADA, NOBODY):
        guesses(service, email, 10)
        hashes.looked_at = 0
        with service.statements() as first:
            guess(service, email)
        with service.statements() as later, own_calls() as calls:
            guess(service, email)
        work.append((first, later, calls, hashes.looked_at))

    assert work[0] == work[1]
    first, later, calls, looked_at = work[0]
    assert (len(first), later, looked_at) == (3 if backend == "sqlite" else 4, [], 0)
    assert calls["user_subgraph.login.Login.log_in"] == 1


def test_what_is_counted_by_names_nobody(service: Service) -> None:
    guess(service, ADA)

    kept = str(vars(service.parts.throttling.windows))
    assert "'login:account'" in kept
    assert "ada" not in kept


# ---------- replicas ----------


def test_replicas_with_one_redis_count_together(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving_windows, "ANSWER_WITHIN_S", 60)  # it may be slow, but it is there
    with valkey_server() as server:
        settings = replace(service.settings, throttle_storage=server.connection_url)
        replicas = [Service(settings, service.clock) for _ in range(2)]
        replicas[0].add_user(ADA)

        outcomes = [guess(replicas[number % 2], ADA) for number in range(12)]
        afterwards = [guess(replica, ADA, PASSWORD) for replica in replicas]
        for replica in replicas:
            replica.close()

    assert outcomes == [FAILED] * 10 + [REFUSED] * 2
    assert afterwards == [REFUSED] * 2


def test_guesses_are_bounded_while_redis_is_away(service: Service) -> None:
    with valkey_server() as server:
        url = server.connection_url
    alone = Service(replace(service.settings, throttle_storage=url), service.clock)
    alone.add_user(ADA)

    assert guesses(alone, ADA, 11) == [FAILED] * 10 + [REFUSED]
    assert guess(alone, ADA, PASSWORD) == REFUSED
    alone.close()
