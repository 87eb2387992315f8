"""changePassword: for who knows the old one; it ends all other sessions."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import argon2
import pytest

from tests.user_subgraph.service import LOGIN, PASSWORD, Service, field_errors
from tests.user_subgraph.test_audit_log import known, recording
from user_subgraph.audit import AuditChange
from user_subgraph.login import Login
from user_subgraph.passwords import PasswordHashes
from user_subgraph.user import User

NEW = "violet-anchor-lamp-41"
CHANGE = """mutation ($current: String!, $new: String!) {
  changePassword(input: {currentPassword: $current, newPassword: $new}) { __typename
    ... on AcceptedSuccess { accepted } ... on RateLimitedError { retryAfterSeconds }
    ... on ValidationError { fields { path code } } ... on Error { code message } } }"""


@pytest.fixture
def ada(service: Service) -> User:
    return service.add_user("ada@example.com")


def change(service: Service, token: str, current: str, new: str = NEW) -> str:
    typename: str = service.data(CHANGE, token, current=current, new=new)["__typename"]
    return typename


def login_outcome(service: Service, password: str) -> str:
    given = {"email": "ada@example.com", "password": password}
    typename: str = service.data(LOGIN, input=given)["__typename"]
    return typename


def test_the_new_password_is_good_and_the_old_one_is_not(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").access

    assert service.data(CHANGE, token, current=PASSWORD, new=NEW) == {
        "__typename": "AcceptedSuccess",
        "accepted": True,
    }

    assert (login_outcome(service, NEW), login_outcome(service, PASSWORD)) == (
        "LoginSuccess",
        "InvalidCredentialsError",
    )


def test_all_other_sessions_end(service: Service, ada: User) -> None:
    here, *others = [service.log_in("ada@example.com") for _ in range(3)]
    service.add_user("grace@example.com")
    grace = service.log_in("grace@example.com")
    with recording(service) as recorded:
        assert change(service, here.access, PASSWORD) == "AcceptedSuccess"

    (event,) = recorded
    assert known(event) == ("password.changed", ada.id, ada.id)
    assert event.changes == (AuditChange("revokedSessions", None, "2"),)
    outcomes = [service.refresh(tokens.refresh)["__typename"] for tokens in (here, *others, grace)]
    assert outcomes == ["LoginSuccess", "InvalidTokenError", "InvalidTokenError", "LoginSuccess"]


def test_a_wrong_current_password_changes_nothing_and_is_recorded(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").access
    before = service.everything(but_for="audit_events")
    with recording(service) as recorded:
        result = service.data(CHANGE, token, current="a wrong password", new=NEW)

    assert (result["__typename"], result["code"]) == ("InvalidCredentialsError", "INVALID_CREDENTIALS")
    assert result["message"] == "The password is wrong."
    assert service.everything(but_for="audit_events") == before
    assert [known(event) for event in recorded] == [("reauthentication.failed", ada.id, ada.id)]


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("short", "TOO_SHORT"),
        ("x" * 257, "TOO_LONG"),
        ("password1234", "TOO_COMMON"),
        ("ada@example.com", "SAME_AS_EMAIL"),
    ],
)
def test_a_weak_new_password_changes_nothing(service: Service, ada: User, new: str, code: str) -> None:
    token = service.log_in("ada@example.com").access
    before = service.everything()

    assert field_errors(service.data(CHANGE, token, current=PASSWORD, new=new)) == {
        ("input.newPassword", code)
    }
    assert service.everything() == before


def test_guesses_at_the_current_password_are_bounded(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").access
    guesses = [change(service, token, "a wrong password") for _ in range(10)]
    with recording(service) as recorded:
        refused = [change(service, token, PASSWORD) for _ in range(2)]

    assert set(guesses) == {"InvalidCredentialsError"}
    assert set(refused) == {"RateLimitedError"}
    assert [known(event) for event in recorded] == [("reauthentication.throttled", ada.id, ada.id)]
    service.clock.move(15 * 60)
    assert change(service, service.log_in("ada@example.com").access, PASSWORD) == "AcceptedSuccess"


def test_a_strangers_guesses_do_not_keep_the_owner_from_another_password(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").access
    for _ in range(11):
        login_outcome(service, "a wrong password")
    assert login_outcome(service, PASSWORD) == "RateLimitedError"

    assert change(service, token, PASSWORD) == "AcceptedSuccess"


def test_an_ended_session_and_a_narrow_token_change_nothing(service: Service, ada: User) -> None:
    ended = service.log_in("ada@example.com").access
    narrow = service.log_in("ada@example.com", scopes=["profile:read"]).access
    service.data("mutation { logout { revokedSessions } }", ended)

    codes = [
        service.refusal(CHANGE, token, current=PASSWORD, new=NEW)["code"] for token in (ended, narrow, None)
    ]

    assert codes == ["UNAUTHENTICATED", "FORBIDDEN", "UNAUTHENTICATED"]


class MeanwhileHashes(PasswordHashes):
    """Lets something happen while a password is judged."""

    def __init__(self, hasher: argon2.PasswordHasher) -> None:
        super().__init__(hasher, slots=4, wait_s=60)
        self.meanwhile = list[object]()

    def matches(self, password: str, stored: str | None) -> bool:
        matches = super().matches(password, stored)
        while self.meanwhile:
            happen = self.meanwhile.pop()
            assert callable(happen)
            happen()
        return matches


def login_with(service: Service, hashes: PasswordHashes) -> Login:
    return replace(service.parts.view.login, passwords=hashes)


def test_a_login_with_the_old_password_does_not_slip_past_a_change(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").access
    hashes = MeanwhileHashes(argon2.PasswordHasher(1, 8, 1))
    hashes.meanwhile.append(lambda: change(service, token, PASSWORD))
    service.parts = replace(
        service.parts, view=replace(service.parts.view, login=login_with(service, hashes))
    )

    with pytest.raises(Exception, match="is wrong"):
        login_with(service, hashes).log_in("ada@example.com", PASSWORD, None)

    assert len(service.rows("SELECT id FROM sessions WHERE revoked_at IS NULL")) == 1


def test_a_login_while_its_hash_is_renewed_is_judged_again_and_succeeds(service: Service, ada: User) -> None:
    hashes = MeanwhileHashes(argon2.PasswordHasher(2, 8, 1))  # other parameters than those of the stored hash
    hashes.meanwhile.append(lambda: login_with(service, hashes).log_in("ada@example.com", PASSWORD, None))

    login_with(service, hashes).log_in("ada@example.com", PASSWORD, None)

    assert len(service.rows("SELECT id FROM sessions")) == 2


def test_of_changes_at_one_moment_the_first_wins(service: Service, ada: User) -> None:
    token = service.log_in("ada@example.com").access

    with ThreadPoolExecutor(8) as pool:
        changes = [
            pool.submit(change, service.with_own_client(), token, PASSWORD, f"{NEW}-{number}")
            for number in range(8)
        ]
        outcomes = [each.result(timeout=60) for each in changes]

    assert sorted(outcomes) == ["AcceptedSuccess"] + ["InvalidCredentialsError"] * 7
    assert login_outcome(service, f"{NEW}-{outcomes.index('AcceptedSuccess')}") == "LoginSuccess"
