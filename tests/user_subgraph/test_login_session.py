"""Which refresh token is taken for a replay: a table over how old its successor is, and whether that is used."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from user_subgraph.login_session import LoginSession, PresentedToken, Successor
from user_subgraph.user import UserId

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
NEWEST = 7
AGES_S = (0.0, 0.001, 5.0, 9.999, 10.0, 10.001, 60.0, 3600.0, 30 * 24 * 3600.0)


def presented(generation: int, successor: Successor | None = None) -> PresentedToken:
    session = LoginSession(
        id="ses_1",
        user_id=UserId("usr_1"),
        asked_scopes=None,
        created_at=NOW,
        last_used_at=NOW,
        expires_at=NOW + timedelta(days=30),
        generation=NEWEST,
    )
    return PresentedToken(generation, successor, session)


@pytest.mark.parametrize(("age_s", "is_used"), list(product(AGES_S, [False, True])))
def test_a_replay_has_a_successor_that_is_used_and_not_of_these_seconds(
    age_s: float, *, is_used: bool
) -> None:
    successor = Successor(NOW - timedelta(seconds=age_s), is_used=is_used)
    generation = NEWEST - 2 if is_used else NEWEST - 1

    assert presented(generation, successor).is_replayed_at(NOW) == (is_used and age_s >= 10)


def test_the_newest_generation_is_never_a_replay() -> None:
    assert not presented(NEWEST).is_replayed_at(NOW + timedelta(days=29))


@pytest.mark.parametrize(
    ("generation", "given"), [(NEWEST, NEWEST + 1), (NEWEST - 1, NEWEST), (NEWEST - 2, NEWEST), (1, NEWEST)]
)
def test_whoever_is_behind_gets_a_token_of_the_newest_generation(generation: int, given: int) -> None:
    assert presented(generation).next_generation == given
