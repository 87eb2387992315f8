"""requestEmailChange and confirmEmailChange: for who knows the password and reads the mails of the new address."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import argon2
import pytest

from tests.user_subgraph.postbox import Postbox
from tests.user_subgraph.service import ERROR, LOGIN, PASSWORD, Service, field_errors
from tests.user_subgraph.test_audit_log import known, recording
from tests.user_subgraph.test_mails import (
    ACCEPTED,
    ADA,
    ASK,
    DELETE,
    NEW_PASSWORD,
    RESET,
)
from tests.user_subgraph.test_password_change import MeanwhileHashes
from tests.user_subgraph.test_registration import REGISTER
from tests.user_subgraph.test_second_factor import CHANGE, challenge, code_of, complete, enabled
from user_subgraph.audit import AuditChange
from user_subgraph.errors import InvalidCredentialsError
from user_subgraph.user import Role

ME = "{ me { id email emailVerified } }"
NEW, GRACE = "new@example.com", "grace@example.com"
REQUEST = f"""mutation ($new: EmailAddress!, $password: String!) {{
  requestEmailChange(newEmail: $new, currentPassword: $password) {{ __typename {ERROR}
    ... on ValidationError {{ fields {{ path code }} }} }} }}"""
CONFIRM = f"mutation ($mailed: String!) {{ confirmEmailChange(token: $mailed) {{ __typename {ERROR} }} }}"
UPDATE = "mutation ($id: ID!, $input: UpdateUserInput!) { updateUser(id: $id, input: $input) { __typename } }"


@pytest.fixture
def service(mailing_service: Service) -> Service:
    return mailing_service


@pytest.fixture
def ada(service: Service) -> str:
    """Her access token."""
    return service.token_of(ADA)


def request(service: Service, token: str, new: str = NEW, password: str = PASSWORD) -> dict[str, Any]:
    result: dict[str, Any] = service.data(REQUEST, token, new=new, password=password)
    return result


def deliver(service: Service) -> int:
    return service.parts.mail_delivery.deliver_all_due()


def mailed(service: Service, box: Postbox, token: str, new: str = NEW) -> str:
    """The token that was mailed to *new*."""
    assert request(service, token, new) == ACCEPTED
    deliver(service)
    assert box.mails[-1]["To"] == new
    return box.token


def confirm(service: Service, token: str, one_time_token: str) -> str:
    result: dict[str, Any] = service.data(CONFIRM, token, mailed=one_time_token)
    return str(result.get("code", result["__typename"]))


def address_of(service: Service, user_id: str) -> str | None:
    (row,) = service.rows("SELECT email FROM users WHERE id = :id", id=user_id)
    email: str | None = row["email"]
    return email


def test_the_address_changes_when_the_token_that_was_mailed_there_comes_back(
    service: Service, ada: str, box: Postbox
) -> None:
    token = mailed(service, box, ada)
    before = service.data(ME, ada)["email"]

    assert confirm(service, ada, token) == "AcceptedSuccess"

    me = service.data(ME, ada)
    assert (before, me["email"], me["emailVerified"]) == (ADA, NEW, True)
    assert service.log_in(NEW)
    assert service.data(LOGIN, input={"email": ADA, "password": PASSWORD})["code"] == "INVALID_CREDENTIALS"


def test_the_old_address_is_told_and_the_log_names_no_address(
    service: Service, ada: str, box: Postbox
) -> None:
    with recording(service) as recorded:
        confirm(service, ada, mailed(service, box, ada))
    box.mails.clear()

    deliver(service)

    (mail,) = box.mails
    assert (mail["To"], mail["Subject"]) == (ADA, "The e-mail address of your account was changed")
    assert [event.action for event in recorded] == ["email_change.requested", "email.changed"]
    assert {(event.actor_id, event.subject_id) for event in recorded} == {
        (service.data(ME, ada)["id"], service.data(ME, ada)["id"])
    }
    assert recorded[1].changes == (
        AuditChange("email", None, None),
        AuditChange("revokedSessions", None, "0"),
    )
    assert service.rows("SELECT * FROM outgoing_mails") == []


def test_other_sessions_and_what_was_mailed_to_the_old_address_end(
    service: Service, ada: str, box: Postbox
) -> None:
    other = service.log_in(ADA)
    token = mailed(service, box, ada)
    service.data(ASK, email=ADA)
    deliver(service)
    reset = box.token

    confirm(service, ada, token)

    assert service.refresh(other.refresh)["code"] == "INVALID_TOKEN"
    assert service.data(RESET, mailed=reset, new=NEW_PASSWORD)["code"] == "INVALID_TOKEN"
    assert service.rows("SELECT * FROM one_time_tokens") == []


def test_a_token_is_good_once_for_a_day_and_for_its_own_account(
    service: Service, ada: str, box: Postbox
) -> None:
    grace = service.token_of(GRACE)
    first = mailed(service, box, ada)
    assert confirm(service, grace, first) == "INVALID_TOKEN"
    assert confirm(service, ada, first) == "AcceptedSuccess"
    assert confirm(service, ada, first) == "INVALID_TOKEN"

    second = mailed(service, box, ada, "third@example.com")
    service.clock.move(24 * 3600)

    assert confirm(service, service.log_in(NEW).access, second) == "INVALID_TOKEN"
    assert service.data(ME, service.log_in(GRACE).access)["email"] == GRACE


def test_a_newer_request_ends_the_older_one(service: Service, ada: str, box: Postbox) -> None:
    old, new = mailed(service, box, ada, "first@example.com"), mailed(service, box, ada)

    assert [confirm(service, ada, token) for token in (old, new)] == ["INVALID_TOKEN", "AcceptedSuccess"]


def test_a_newer_request_takes_the_waiting_mail_of_the_older_one_back(
    service: Service, ada: str, box: Postbox
) -> None:
    request(service, ada, "first@example.com")
    request(service, ada)

    assert deliver(service) == 1
    assert [mail["To"] for mail in box.mails] == [NEW]


def test_an_address_of_somebody_else_is_answered_alike_in_equal_work_and_told_by_mail(
    service: Service, ada: str, box: Postbox
) -> None:
    service.add_user(GRACE)
    answers, work = [], []
    for address in (GRACE, NEW):
        with service.statements() as sent:
            answers.append(request(service, ada, address))
        work.append(sent)
        deliver(service)

    assert answers == [ACCEPTED, ACCEPTED]
    # The second one also takes the first one back: the same statements all the same.
    assert work[0] == work[1]
    told, asked = box.mails
    assert (told["To"], told["Subject"]) == (GRACE, "Your e-mail address has an account already")
    assert (asked["To"], asked["Subject"]) == (NEW, "Confirm your new e-mail address")
    assert len(service.rows("SELECT * FROM one_time_tokens")) == 1


def test_who_closed_their_account_is_not_mailed_that_somebody_wants_the_address(
    service: Service, ada: str, box: Postbox
) -> None:
    grace = service.add_user(GRACE)
    admin = service.token_of("admin@example.com", Role.ADMIN)
    service.data("mutation ($id: ID!) { deleteUser(id: $id) { __typename } }", admin, id=grace.id)

    assert request(service, ada, GRACE) == ACCEPTED

    deliver(service)
    assert box.mails == []


@pytest.mark.parametrize("new", ["no-address", ADA.upper(), ""])
def test_what_is_no_other_address_changes_nothing(service: Service, ada: str, new: str) -> None:
    before = service.everything()

    (problem,) = field_errors(request(service, ada, new))

    assert problem[0] == "newEmail"
    assert service.everything() == before


def test_a_wrong_password_asks_for_nothing_and_is_counted(service: Service, ada: str) -> None:
    before = service.everything(but_for="audit_events")
    with recording(service) as recorded:
        outcomes = [request(service, ada, password="wrong")["code"] for _ in range(10)]
    refused = request(service, ada)["code"]

    user_id = service.data(ME, ada)["id"]
    assert (set(outcomes), refused) == ({"INVALID_CREDENTIALS"}, "RATE_LIMITED")
    assert [known(event) for event in recorded] == [("reauthentication.failed", user_id, user_id)] * 10
    assert service.everything(but_for="audit_events") == before


def test_mails_are_bounded_by_who_asks_and_by_the_address_they_go_to(service: Service, ada: str) -> None:
    by_account = [request(service, ada, f"to{number}@example.com")["__typename"] for number in range(6)]
    grace = service.token_of(GRACE)
    for _ in range(5):
        service.data(ASK, email=NEW)

    assert by_account == ["AcceptedSuccess"] * 5 + ["RateLimitedError"]
    assert request(service, grace)["code"] == "RATE_LIMITED"
    actions = [row["action"] for row in service.rows("SELECT action FROM audit_events ORDER BY id")]
    assert (actions.count("email_change.throttled"), actions.count("mail.throttled")) == (1, 1)


def test_a_second_factor_has_to_be_proved_of_late(service: Service) -> None:
    secret, _codes = enabled(service)
    tokens = complete(service, challenge(service), code_of(service, secret))["tokens"]
    fresh = request(service, tokens["accessToken"])
    service.clock.move(service.settings.fresh_login_s)
    old = service.refresh(tokens["refreshToken"])["tokens"]["accessToken"]
    before = service.everything()

    assert fresh == ACCEPTED
    assert request(service, old)["code"] == "REAUTHENTICATION_REQUIRED"
    assert service.everything() == before


def test_both_need_a_login_that_may_write_the_profile(service: Service, ada: str, box: Postbox) -> None:
    token = mailed(service, box, ada)
    narrow = service.log_in(ADA, scopes=["profile:read"]).access
    ended = service.log_in(ADA).access
    service.data("mutation { logout { revokedSessions } }", ended)

    for viewer, code in ((narrow, "FORBIDDEN"), (ended, "UNAUTHENTICATED"), (None, "UNAUTHENTICATED")):
        assert service.refusal(REQUEST, viewer, new=NEW, password=PASSWORD)["code"] == code
        assert service.refusal(CONFIRM, viewer, mailed=token)["code"] == code


# ---------- meanwhile ----------


def test_an_address_that_somebody_else_got_meanwhile_stays_theirs(
    service: Service, ada: str, box: Postbox
) -> None:
    token = mailed(service, box, ada)
    service.data(REGISTER, input={"email": NEW, "password": NEW_PASSWORD})
    before = service.everything()

    assert confirm(service, ada, token) == "INVALID_TOKEN"

    assert service.everything() == before
    assert service.data(ME, ada)["email"] == ADA
    assert service.data(ME, service.log_in(NEW, NEW_PASSWORD).access)["email"] == NEW


def test_of_two_accounts_that_confirm_one_address_at_once_one_gets_it(
    service: Service, ada: str, box: Postbox
) -> None:
    grace = service.token_of(GRACE)
    given = [(viewer, mailed(service, box, viewer)) for viewer in (ada, grace)]
    start = threading.Barrier(2)

    def use(viewer_and_token: tuple[str, str]) -> str:
        own = service.with_own_client()
        start.wait(60)
        return confirm(own, *viewer_and_token)

    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(use, given))

    assert sorted(outcomes) == ["AcceptedSuccess", "INVALID_TOKEN"]
    addresses = [service.data(ME, viewer)["email"] for viewer in (ada, grace)]
    assert addresses == ([NEW, GRACE] if outcomes[0] == "AcceptedSuccess" else [ADA, NEW])


def test_of_many_who_use_a_token_at_once_one_does(service: Service, ada: str, box: Postbox) -> None:
    token, start = mailed(service, box, ada), threading.Barrier(6)

    def use(_number: int) -> str:
        own = service.with_own_client()
        start.wait(60)
        return confirm(own, ada, token)

    with ThreadPoolExecutor(6) as threads:
        outcomes = list(threads.map(use, range(6)))

    assert sorted(outcomes) == ["AcceptedSuccess"] + ["INVALID_TOKEN"] * 5
    assert deliver(service) == 1  # the notice to the old address


@pytest.mark.parametrize("is_mailed", [True, False])
@pytest.mark.parametrize("lost", ["SUSPENDED", "SOFT_DELETE", "ERASE"])
def test_an_account_that_is_closed_meanwhile_moves_nowhere(
    service: Service, ada: str, box: Postbox, lost: str, *, is_mailed: bool
) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    user_id = service.data(ME, ada)["id"]
    token = mailed(service, box, ada) if is_mailed else "none"
    if not is_mailed:
        request(service, ada)
    box.mails.clear()

    if lost == "SUSPENDED":
        service.data(UPDATE, admin, id=user_id, input={"status": lost})
    else:
        delete = (
            "mutation ($id: ID!, $mode: UserDeleteMode!) { deleteUser(id: $id, mode: $mode) { __typename } }"
        )
        service.data(delete, admin, id=user_id, mode=lost)

    assert service.refusal(CONFIRM, ada, mailed=token)["code"] == "UNAUTHENTICATED"
    deliver(service)
    assert box.mails == []
    assert address_of(service, user_id) == (None if lost == "ERASE" else ADA)
    if is_mailed and lost == "SUSPENDED":
        service.data(UPDATE, admin, id=user_id, input={"status": "ACTIVE"})
        assert confirm(service, service.log_in(ADA).access, token) == "AcceptedSuccess"


def test_erasing_leaves_nothing_of_the_new_address(service: Service, ada: str, box: Postbox) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    user_id = service.data(ME, ada)["id"]
    mailed(service, box, ada, "first@example.com")
    request(service, ada)

    service.data(DELETE, admin, id=user_id)

    everything = str(service.everything())
    assert "first@example.com" not in everything
    assert NEW not in everything


@pytest.mark.parametrize("is_mailed", [True, False])
@pytest.mark.parametrize("how", ["changed", "reset"])
def test_another_password_ends_a_change_that_was_asked_for_with_the_old_one(
    service: Service, ada: str, box: Postbox, how: str, *, is_mailed: bool
) -> None:
    service.data(ASK, email=ADA)
    deliver(service)
    reset = box.token
    token = mailed(service, box, ada) if is_mailed else "none"
    if not is_mailed:
        request(service, ada)
    if how == "changed":
        service.data(CHANGE, ada, old=PASSWORD, new=NEW_PASSWORD)
    else:
        service.data(RESET, mailed=reset, new=NEW_PASSWORD)
    box.mails.clear()
    deliver(service)

    assert NEW not in [mail["To"] for mail in box.mails]
    assert confirm(service, service.log_in(ADA, NEW_PASSWORD).access, token) == "INVALID_TOKEN"


def test_an_address_that_staff_give_ends_a_change_that_was_begun_and_the_old_one_is_told(
    service: Service, ada: str, box: Postbox
) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    token = mailed(service, box, ada)
    box.mails.clear()
    service.data(UPDATE, admin, id=service.data(ME, ada)["id"], input={"email": "staff-gave@example.com"})
    deliver(service)

    assert [(mail["To"], mail["Subject"]) for mail in box.mails] == [
        (ADA, "The e-mail address of your account was changed")
    ]
    assert confirm(service, ada, token) == "INVALID_TOKEN"


def test_a_password_that_is_changed_while_it_is_judged_asks_for_nothing(service: Service, ada: str) -> None:
    hashes = MeanwhileHashes(argon2.PasswordHasher(1, 8, 1))
    hashes.meanwhile.append(lambda: service.data(CHANGE, ada, old=PASSWORD, new=NEW_PASSWORD))
    change = service.parts.view.email_change
    change = replace(change, reauthentication=replace(change.reauthentication, passwords=hashes))
    viewer = service.parts.view.access_tokens.viewer(ada, service.clock())

    with pytest.raises(InvalidCredentialsError):
        change.request(viewer, NEW, PASSWORD)

    assert service.rows("SELECT * FROM outgoing_mails WHERE recipient = :new", new=NEW) == []
