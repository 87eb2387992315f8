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


GENERATIONS = 5


@pytest.mark.parametrize("generation", range(GENERATIONS))
def test_a_token_older_than_the_previous_one_kills_its_whole_family(
    service: Service, generation: int
) -> None:
    """Also to whom it was given: he and the other hold the same token, and nobody knows which of them stole it."""
    tokens = [logged_in(service).refresh]
    other_session = service.log_in("ada@example.com")
    while len(tokens) < GENERATIONS:
        service.clock.move(600)
        tokens.append(refreshed(service, tokens[-1]))
    service.clock.move(600)
    is_old = generation < GENERATIONS - 2

    assert is_refused(service, tokens[generation]) == is_old

    assert is_refused(service, tokens[-1]) == is_old
    assert refreshed(service, other_session.refresh)


def test_a_client_whose_answer_was_lost_brings_its_token_again(service: Service) -> None:
    token = logged_in(service).refresh
    for _ in range(3):
        service.clock.move(600)
        refreshed(service, token)  # whose answer does not arrive

    service.clock.move(600)
    token = refreshed(service, token)

    assert refreshed(service, token)
    assert service.rows("SELECT generation FROM sessions") == [{"generation": 3}]


def test_a_lost_answer_in_a_strangers_hand_kills_the_family_once_both_have_gone_on(service: Service) -> None:
    lost = logged_in(service).refresh
    mine = refreshed(service, lost)
    mine = refreshed(service, mine)
    service.clock.move(10)

    assert is_refused(service, lost)
    assert is_refused(service, mine)


def test_a_tab_that_is_a_generation_behind_catches_up(service: Service) -> None:
    first = logged_in(service).refresh
    ahead = refreshed(service, first)
    service.clock.move(600)
    behind = refreshed(service, first)

    for _ in range(5):
        service.clock.move(600)
        ahead = refreshed(service, ahead)
        service.clock.move(600)
        behind = refreshed(service, behind)

    assert len(service.rows("SELECT id FROM sessions WHERE revoked_at IS NULL")) == 1
    assert service.rows("SELECT max(generation) AS newest FROM refresh_tokens") == [{"newest": 7}]


def test_a_tab_may_be_two_behind_within_seconds(service: Service) -> None:
    """The others had their answers, and used them, before this one had asked."""
    first = logged_in(service).refresh
    ahead = refreshed(service, refreshed(service, first))

    behind = refreshed(service, first)

    assert refreshed(service, ahead)
    assert refreshed(service, behind)


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
