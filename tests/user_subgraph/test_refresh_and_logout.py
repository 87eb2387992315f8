"""refreshToken and logout: a family of tokens lives and dies together."""

import pytest

from tests.user_subgraph.service import Service, Tokens
from user_subgraph.user import Role

LOGOUT = "mutation ($scope: LogoutScope! = THIS_SESSION) { logout(scope: $scope) { revokedSessions } }"


def logged_in(service: Service, email: str = "ada@example.com") -> Tokens:
    service.add_user(email)
    return service.log_in(email)


def refreshed(service: Service, token: str) -> str:
    """The next refresh token; time passes in between, as it does."""
    service.clock.move(1)
    result = service.refresh(token)
    assert result["__typename"] == "LoginSuccess", result
    next_token: str = result["tokens"]["refreshToken"]
    return next_token


def is_refused(service: Service, token: str) -> bool:
    service.clock.move(1)
    result = service.refresh(token)
    return (result["__typename"], result.get("code")) == ("InvalidTokenError", "INVALID_TOKEN")


def test_each_refresh_gives_new_tokens_of_the_same_session(service: Service) -> None:
    first = logged_in(service)
    second = refreshed(service, first.refresh)
    third = refreshed(service, second)

    assert len({first.refresh, second, third}) == 3
    assert len(service.rows("SELECT id FROM sessions")) == 1


def test_a_used_token_kills_its_whole_family(service: Service) -> None:
    first = logged_in(service)
    other_session = service.log_in("ada@example.com")
    second = refreshed(service, first.refresh)
    service.clock.move(9)

    assert is_refused(service, first.refresh)

    assert is_refused(service, second)
    assert refreshed(service, other_session.refresh)


def test_tabs_that_wake_up_together_all_stay_logged_in(service: Service) -> None:
    first = logged_in(service)
    service.clock.move(600)

    tokens = [refreshed(service, first.refresh) for _ in range(5)]

    assert len(set(tokens)) == 5
    assert [refreshed(service, token) for token in tokens]
    assert is_refused(service, first.refresh)


@pytest.mark.parametrize("token", ["", "no such token", "x" * 10_000, "\N{SNOWMAN}"])
def test_a_token_that_never_was_is_refused(service: Service, token: str) -> None:
    logged_in(service)
    before = service.everything()

    assert is_refused(service, token)
    assert service.everything() == before


def test_a_session_ends_in_time_however_often_it_is_refreshed(service: Service) -> None:
    token = logged_in(service).refresh
    service.clock.move(service.settings.session_ttl_s - 10)
    token = refreshed(service, token)
    service.clock.move(10)

    assert is_refused(service, token)


def test_a_refresh_goes_by_the_roles_of_now(service: Service) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    user = service.add_user("ada@example.com", Role.FINANCE)
    tokens = service.log_in("ada@example.com")
    demote = "mutation ($id: ID!) { updateUser(id: $id, input: {roles: [CUSTOMER]}) { __typename } }"
    assert service.data(demote, admin, id=user.id) == {"__typename": "UserSuccess"}

    result = service.refresh(tokens.refresh)

    assert result["tokens"]["scope"] == "payments:read payments:write profile:read profile:write"


@pytest.mark.parametrize(
    "disable",
    [
        "mutation ($id: ID!) { updateUser(id: $id, input: {status: SUSPENDED}) { __typename } }",
        "mutation ($id: ID!) { deleteUser(id: $id) { __typename } }",
    ],
)
def test_a_disabled_user_cannot_refresh_not_even_after_being_enabled_again(
    service: Service, disable: str
) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    user = service.add_user("ada@example.com")
    tokens = service.log_in("ada@example.com")

    service.data(disable, admin, id=user.id)

    assert is_refused(service, tokens.refresh)
    service.answer(
        "mutation ($id: ID!) { updateUser(id: $id, input: {status: ACTIVE}) { __typename } }",
        admin,
        id=user.id,
    )
    assert is_refused(service, tokens.refresh)


def test_refreshing_works_with_a_stale_token_in_the_header(service: Service) -> None:
    tokens = logged_in(service)
    query = "mutation ($t: String!) { refreshToken(input: {refreshToken: $t}) { __typename } }"

    assert service.data(query, "stale", t=tokens.refresh) == {"__typename": "LoginSuccess"}


@pytest.mark.parametrize(
    ("scope", "revoked", "still_running"),
    [("THIS_SESSION", 1, {"second", "third"}), ("OTHER_SESSIONS", 2, {"first"}), ("ALL_SESSIONS", 3, set())],
)
def test_logout_ends_the_asked_sessions_and_nobody_elses(
    service: Service, scope: str, revoked: int, still_running: set[str]
) -> None:
    foreign = logged_in(service, "grace@example.com")
    sessions = {"first": logged_in(service)}
    sessions |= {name: service.log_in("ada@example.com") for name in ("second", "third")}

    result = service.data(LOGOUT, sessions["first"].access, scope=scope)

    assert result == {"revokedSessions": revoked}
    running = {name for name, tokens in sessions.items() if not is_refused(service, tokens.refresh)}
    assert running == still_running
    assert not is_refused(service, foreign.refresh)


def test_after_logout_the_access_token_opens_neither_me_nor_a_mutation(service: Service) -> None:
    tokens = logged_in(service)
    assert service.data(LOGOUT, tokens.access) == {"revokedSessions": 1}

    assert service.refusal("{ me { id } }", tokens.access)["code"] == "UNAUTHENTICATED"
    update = 'mutation { updateProfile(input: {firstName: "Eve"}) { __typename } }'
    assert service.refusal(update, tokens.access)["code"] == "UNAUTHENTICATED"
    assert service.data(LOGOUT, tokens.access) == {"revokedSessions": 0}


def test_a_session_that_has_ended_ends_no_other(service: Service) -> None:
    ended = logged_in(service)
    service.data(LOGOUT, ended.access)
    other = service.log_in("ada@example.com")

    for scope in ("OTHER_SESSIONS", "ALL_SESSIONS"):
        assert service.data(LOGOUT, ended.access, scope=scope) == {"revokedSessions": 0}
    assert not is_refused(service, other.refresh)


def test_logout_needs_a_login(service: Service) -> None:
    assert service.refusal(LOGOUT)["code"] == "UNAUTHENTICATED"
