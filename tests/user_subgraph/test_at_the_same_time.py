"""Many callers at one moment: each promise holds on both databases, and nobody gets an unexpected error."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.user_subgraph.service import PASSWORD, REFRESH, Service, wait_until_somebody_waits
from tests.user_subgraph.third_party import Program, app_of
from user_subgraph.audit import OPERATOR
from user_subgraph.authorization_codes import AuthorizationCodes
from user_subgraph.bounds import BOUNDS, Bound, Bounds, Throttled
from user_subgraph.oauth_clients import OAuthClients
from user_subgraph.random_secret import secret_hash
from user_subgraph.session_repository import SessionRepository
from user_subgraph.session_tokens import Proof
from user_subgraph.user import Role
from user_subgraph.user_repository import UserRepository

MANY = 8


def at_once(service: Service, call: Callable[[Service, int], dict[str, Any]], many: int = MANY) -> list[str]:
    """The `__typename`s that so many callers get who start together, sorted."""
    barrier = threading.Barrier(many)

    def caller(number: int) -> str:
        mine = service.with_own_client()
        barrier.wait()
        typename: str = call(mine, number)["__typename"]
        return typename

    with ThreadPoolExecutor(many) as pool:
        return sorted(pool.map(caller, range(many)))


def test_one_address_registered_many_times_is_one_account(service: Service) -> None:
    as_often = {**BOUNDS, Throttled.REGISTRATION: Bounds(per_account=Bound(MANY, 60))}
    service = Service(replace(service.settings, bounds=as_often), service.clock)
    register = "mutation ($input: RegisterUserInput!) { registerUser(input: $input) { __typename } }"
    given = {"email": "ada@example.com", "password": PASSWORD}

    outcomes = at_once(service, lambda client, _: client.data(register, input=given))

    assert outcomes == ["RegisterUserSuccess"] * MANY
    assert len(service.rows("SELECT id FROM users")) == 1
    assert len(service.rows("SELECT role FROM user_roles")) == 1
    service.close()


def test_one_address_made_many_times_by_staff_is_taken_but_once(service: Service) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    create = 'mutation { createUser(input: {email: "ada@example.com"}) { __typename } }'

    outcomes = at_once(service, lambda client, _: client.data(create, admin))

    assert outcomes == ["UserSuccess"] + ["ValidationError"] * (MANY - 1)


def test_two_users_moved_to_one_address_do_not_share_it(service: Service) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    ids = service.add_users(MANY)
    move = 'mutation ($id: ID!) { updateUser(id: $id, input: {email: "one@example.com"}) { __typename } }'

    outcomes = at_once(service, lambda client, number: client.data(move, admin, id=ids[number]))

    assert outcomes == ["UserSuccess"] + ["ValidationError"] * (MANY - 1)


def test_changes_made_from_one_version_are_one_change(service: Service) -> None:
    token = service.token_of("ada@example.com")
    update = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { __typename } }"

    outcomes = at_once(
        service,
        lambda client, number: client.data(update, token, input={"version": 1, "firstName": str(number)}),
    )

    assert outcomes == ["ConflictError"] * (MANY - 1) + ["UserSuccess"]
    assert service.rows("SELECT version FROM users") == [{"version": 2}]


def test_tabs_that_wake_up_together_all_get_tokens_of_one_session(service: Service) -> None:
    service.add_user("ada@example.com")
    refresh_token = service.log_in("ada@example.com").refresh

    outcomes = at_once(service, lambda client, _: client.data(REFRESH, refresh=refresh_token), many=20)

    assert outcomes == ["LoginSuccess"] * 20
    assert service.rows("SELECT generation FROM sessions WHERE revoked_at IS NULL") == [{"generation": 2}]
    of_generations = service.rows("SELECT generation FROM refresh_tokens ORDER BY generation")
    assert [row["generation"] for row in of_generations] == [1] + [2] * 20


def test_tabs_that_hold_tokens_of_their_own_refresh_together_for_ever(service: Service) -> None:
    service.add_user("ada@example.com")
    tokens = [service.log_in("ada@example.com").refresh] * 20

    def refresh(client: Service, number: int) -> dict[str, Any]:
        result: dict[str, Any] = client.data(REFRESH, refresh=tokens[number])
        tokens[number] = result["tokens"]["refreshToken"]
        return result

    for _ in range(5):
        assert at_once(service, refresh, many=20) == ["LoginSuccess"] * 20
        service.clock.move(600)

    assert service.rows("SELECT generation FROM sessions WHERE revoked_at IS NULL") == [{"generation": 6}]


def test_a_token_replayed_many_times_is_refused_to_all(service: Service) -> None:
    service.add_user("ada@example.com")
    refresh_token = service.log_in("ada@example.com").refresh
    service.refresh(service.refresh(refresh_token)["tokens"]["refreshToken"])
    service.clock.move(10)

    outcomes = at_once(service, lambda client, _: client.data(REFRESH, refresh=refresh_token))

    assert outcomes == ["InvalidTokenError"] * MANY
    assert service.rows("SELECT id FROM sessions WHERE revoked_at IS NULL") == []


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_refresh_waits_for_a_revocation_under_way(service: Service) -> None:
    """SQLite has one writer at a time, so only PostgreSQL could let a refresh slip past."""
    user = service.add_user("ada@example.com")
    refresh_token = service.log_in("ada@example.com").refresh

    with ThreadPoolExecutor(1) as pool:
        with service.parts.database.writing() as session:
            SessionRepository(session).revoke_of_user(user.id, service.clock())
            session.flush()
            refreshing = pool.submit(service.with_own_client().refresh, refresh_token)
            wait_until_somebody_waits(service)
        result = refreshing.result(timeout=60)

    assert result["__typename"] == "InvalidTokenError"


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke"])
def test_who_holds_a_session_waits_for_no_user(service: Service, path: str) -> None:
    """Whoever ends sessions locks the user first: the other way round the two would wait for each other."""
    user, app = service.add_user("ada@example.com"), app_of(service)
    refresh_token = app.tokens("ada@example.com")["refresh_token"]
    other = Program(service.with_own_client(), app.id, app.secret)

    with ThreadPoolExecutor(1) as pool, service.parts.database.writing() as session:
        UserRepository(session).locked(user.id)
        answer = pool.submit(other.post, path, token=refresh_token).result(timeout=60)

    assert answer.status_code == 200


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_client_that_is_removed_leaves_no_session_that_was_begun_meanwhile(service: Service) -> None:
    user, app = service.add_user("ada@example.com"), app_of(service)
    code_hash = secret_hash(app.code("ada@example.com"))
    tokens, proof = service.parts.oauth_view.oauth.login.session_tokens, Proof("pwd", service.clock(), None)

    def remove() -> bool:
        with service.parts.database.writing() as session:
            return OAuthClients(session).remove(app.id)

    with ThreadPoolExecutor(1) as pool:
        with service.parts.database.writing() as session:
            AuthorizationCodes(session).locked(code_hash, app.id)
            tokens.begin(session, user, proof, OPERATOR, OAuthClients(session).by_id(app.id))
            session.flush()
            removing = pool.submit(remove)
            wait_until_somebody_waits(service)
        assert removing.result(timeout=60)

    assert service.rows("SELECT id FROM sessions") == []
