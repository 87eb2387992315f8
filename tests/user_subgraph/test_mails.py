"""Mails, the tokens in them, and what can be done with those; over a real SMTP server."""

import datetime as dt
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.user_subgraph.postbox import Postbox
from tests.user_subgraph.service import ERROR, LOGIN, PASSWORD, Service, field_errors, settings_for
from tests.user_subgraph.test_registration import ME, REGISTER
from tests.user_subgraph.test_second_factor import CHANGE, CONFIRM, ENROLL, code_of
from user_subgraph.bounds import Bound, Bounds, Throttled
from user_subgraph.mail import Letterhead, MailKind, OutgoingMail
from user_subgraph.mail_carriers import SmtpCarrier
from user_subgraph.mail_delivery import Pace
from user_subgraph.user import Role

NEW_PASSWORD = "battery-staple-two"
FIELDS = "... on ValidationError { fields { path code } }"
VERIFY = f"mutation ($mailed: String!) {{ verifyEmail(token: $mailed) {{ __typename {ERROR} }} }}"
RESEND = f"mutation ($email: EmailAddress!) {{ resendVerificationEmail(email: $email) {{ __typename {ERROR} {FIELDS} }} }}"
ASK = f"mutation ($email: EmailAddress!) {{ requestPasswordReset(email: $email) {{ __typename {ERROR} {FIELDS} }} }}"
RESET = f"""mutation ($mailed: String!, $new: String!) {{
  resetPassword(input: {{token: $mailed, newPassword: $new}}) {{ __typename {ERROR} {FIELDS} }} }}"""
CREATE = "mutation ($input: CreateUserInput!) { createUser(input: $input) { __typename ... on UserSuccess { user { id } } } }"
DELETE = "mutation ($id: ID!) { deleteUser(id: $id, mode: ERASE) { __typename } }"
ADA, NOBODY = "ada@example.com", "nobody@example.com"
ACCEPTED = {"__typename": "AcceptedSuccess"}


@pytest.fixture
def service(mailing_service: Service) -> Service:
    return mailing_service


def _register(service: Service, email: str = ADA) -> Any:
    return service.data(REGISTER, input={"email": email, "password": PASSWORD})


def _deliver(service: Service) -> int:
    return service.parts.mail_delivery.deliver_all_due()


def _mailed_reset(service: Service, box: Postbox, email: str = ADA) -> str:
    assert service.data(ASK, email=email) == ACCEPTED
    _deliver(service)
    return box.token


def _is_verified(service: Service) -> bool:
    (row,) = service.rows("SELECT email_verified FROM users WHERE email = :email", email=ADA)
    return bool(row["email_verified"])


def _actions(service: Service) -> list[str]:
    return [row["action"] for row in service.rows("SELECT action FROM audit_events ORDER BY id")]


def test_who_registers_is_mailed_a_token_that_verifies_the_address_once(
    service: Service, box: Postbox
) -> None:
    _register(service)
    _deliver(service)
    (mail,) = box.mails
    before = _is_verified(service)

    answers = [service.data(VERIFY, mailed=box.token)["__typename"] for _ in range(2)]

    assert (mail["To"], mail["From"]) == (ADA, "no-reply@example.com")
    assert (before, _is_verified(service)) == (False, True)
    assert answers == ["AcceptedSuccess", "InvalidTokenError"]
    assert _actions(service) == ["user.registered", "email.verified"]


def test_nothing_of_a_sent_mail_is_kept_but_the_hash_of_its_token(service: Service, box: Postbox) -> None:
    _register(service)
    _deliver(service)

    assert service.rows("SELECT * FROM outgoing_mails") == []
    assert len(service.rows("SELECT * FROM one_time_tokens")) == 1
    assert box.token not in str(service.everything())


def test_a_link_to_a_page_stands_in_the_mail_when_there_are_pages(service: Service, box: Postbox) -> None:
    letterhead = Letterhead("shop@example.com", "https://shop.example.com/account")
    _register(service)

    replace(service.parts.mail_delivery, letterhead=letterhead).deliver_all_due()

    assert f"https://shop.example.com/account/verify-email#token={box.token}" in box.texts[0]
    assert service.data(VERIFY, mailed=box.token) == ACCEPTED


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        (MailKind.VERIFY_EMAIL, "verify-email"),
        (MailKind.RESET_PASSWORD, "reset-password"),
        (MailKind.CLAIM_ACCOUNT, "claim-account"),
        (MailKind.INVITATION, "accept-invitation"),
        (MailKind.CHANGE_EMAIL, "confirm-email-change"),
    ],
)
def test_each_kind_of_mail_has_a_page_of_its_own(kind: MailKind, page: str) -> None:
    now = dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.UTC)
    letterhead = Letterhead("shop@example.com", "https://shop.example.com/account")

    message = letterhead.message(OutgoingMail("mail_1", kind, ADA, None, 1, now), "the-token", now)

    assert f"  https://shop.example.com/account/{page}#token=the-token\n" in message.get_content()


@pytest.mark.parametrize(
    ("link_base", "how"),
    [
        ("https://shop.example.com/account", "https://shop.example.com/account/download-data"),
        (None, "{ dataExport { downloadUrl } }"),
    ],
)
def test_the_mail_about_a_data_export_says_how_it_is_had(link_base: str | None, how: str) -> None:
    now = dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.UTC)
    mail = OutgoingMail("mail_1", MailKind.DATA_EXPORT_READY, ADA, None, 1, now)

    message = Letterhead("shop@example.com", link_base).message(mail, None, now)

    assert f"  {how}" in message.get_content().splitlines()


def test_the_owner_of_a_known_address_is_told_and_gets_no_token(service: Service, box: Postbox) -> None:
    service.add_user(ADA)
    service.data(RESET, mailed=_mailed_reset(service, box), new=PASSWORD)  # which confirms the address
    _deliver(service)
    box.mails.clear()
    _register(service)
    _deliver(service)

    assert box.mails[0]["Subject"] == "You have an account already"
    assert service.rows("SELECT * FROM one_time_tokens") == []


def test_who_owns_an_address_that_a_stranger_registered_makes_the_account_theirs(
    service: Service, box: Postbox
) -> None:
    _register(service)
    stranger = service.log_in(ADA)
    _deliver(service)
    box.mails.clear()

    _register(service)
    _deliver(service)
    claimed = service.data(RESET, mailed=box.token, new=NEW_PASSWORD)

    assert box.mails[0]["Subject"] == "Make the account of your address yours"
    assert claimed == ACCEPTED
    assert service.refusal(ME, stranger.access)["code"] == "UNAUTHENTICATED"
    assert service.data(LOGIN, input={"email": ADA, "password": PASSWORD})["code"] == "INVALID_CREDENTIALS"
    assert service.data(ME, service.log_in(ADA, NEW_PASSWORD).access)["emailVerified"] is True


def test_a_reset_leaves_the_second_factor_of_who_had_confirmed_the_address(
    service: Service, box: Postbox
) -> None:
    _register(service)
    _deliver(service)
    service.data(VERIFY, mailed=box.token)
    owner = service.log_in(ADA)
    secret = service.data(ENROLL, owner.access)["secret"]
    service.data(CONFIRM, owner.access, code=code_of(service, secret))
    box.mails.clear()

    service.data(RESET, mailed=_mailed_reset(service, box), new=NEW_PASSWORD)

    assert service.data(LOGIN, input={"email": ADA, "password": NEW_PASSWORD})["code"] == "MFA_REQUIRED"


def test_a_changed_password_ends_what_was_mailed_before(service: Service, box: Postbox) -> None:
    service.add_user(ADA)
    token = _mailed_reset(service, box)

    service.data(CHANGE, service.log_in(ADA).access, old=PASSWORD, new=NEW_PASSWORD)

    assert service.data(RESET, mailed=token, new=PASSWORD)["code"] == "INVALID_TOKEN"


@pytest.mark.parametrize("ask", [RESEND, ASK])
def test_asking_for_a_mail_is_the_same_for_every_address_and_only_owners_get_one(
    service: Service, box: Postbox, ask: str
) -> None:
    _register(service)
    _deliver(service)
    box.mails.clear()
    answers, work = [], []

    for email in (ADA, NOBODY):
        with service.statements() as sent:
            answers.append(service.data(ask, email=email))
        work.append(sent)
    tried = _deliver(service)

    assert answers == [ACCEPTED, ACCEPTED]
    assert work[0] == work[1]
    assert tried == 2
    assert [mail["To"] for mail in box.mails] == [ADA]
    assert service.rows("SELECT * FROM outgoing_mails") == []


def test_a_mail_that_is_not_sent_takes_as_long_as_one_that_is(service: Service) -> None:
    """Else the next one would come sooner, and tell who asked for both that the address before is nobody's."""
    service.add_user(ADA)
    clock, waited = Stopwatch(), list[float]()
    delivery = replace(
        service.parts.mail_delivery, carrier=SlowCarrier(clock), pace=Pace(clock, waited.append)
    )

    for email in (ADA, NOBODY, ADA):
        service.data(ASK, email=email)
    delivery.deliver_all_due()

    assert clock.seconds == 0.8
    assert waited == [0.4]


@dataclass
class Stopwatch:
    seconds: float = 0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class SlowCarrier:
    clock: Stopwatch

    def carry(self, _message: object) -> None:
        self.clock.seconds += 0.4


def test_mails_are_bounded_in_all_however_many_addresses_there_are(database_url: str, keys_dir: Path) -> None:
    bounds = {Throttled.MAIL: Bounds(per_account=Bound(2, 3600), in_all=Bound(3, 3600))}
    settings = settings_for(database_url, keys_dir)
    with closing(Service(replace(settings, bounds={**settings.bounds, **bounds}))) as service:
        answers = [
            service.data(ASK, email=f"nobody{number}@example.com")["__typename"] for number in range(5)
        ]
        service.clock.move(3600)

        assert answers == ["AcceptedSuccess"] * 3 + ["RateLimitedError"] * 2
        assert _actions(service) == ["password_reset.requested"] * 3 + ["mail.throttled"]
        assert service.data(ASK, email="nobody4@example.com") == ACCEPTED


def test_a_verified_address_is_not_mailed_another_verification(service: Service, box: Postbox) -> None:
    _register(service)
    _deliver(service)
    service.data(VERIFY, mailed=box.token)

    assert service.data(RESEND, email=ADA) == ACCEPTED
    _deliver(service)

    assert len(box.mails) == 1


def test_no_address_gets_no_mail(service: Service) -> None:
    before = service.everything()

    assert field_errors(service.data(ASK, email="no-address")) == {("email", "INVALID")}
    assert service.everything() == before


def test_mails_to_one_address_are_bounded_whether_or_not_it_is_known(service: Service) -> None:
    service.add_user(ADA)

    for email in (ADA, NOBODY):
        answers = [service.data(ASK, email=email)["__typename"] for _ in range(6)]
        assert answers == ["AcceptedSuccess"] * 5 + ["RateLimitedError"]
    assert _actions(service).count("mail.throttled") == 2


def test_a_reset_sets_the_password_ends_all_sessions_and_verifies(service: Service, box: Postbox) -> None:
    service.add_user(ADA)
    old = service.log_in(ADA)
    token = _mailed_reset(service, box)

    assert service.data(RESET, mailed=token, new=NEW_PASSWORD) == ACCEPTED

    assert service.refusal(ME, old.access)["code"] == "UNAUTHENTICATED"
    assert service.refresh(old.refresh)["code"] == "INVALID_TOKEN"
    assert service.data(LOGIN, input={"email": ADA, "password": PASSWORD})["code"] == "INVALID_CREDENTIALS"
    assert service.data(ME, service.log_in(ADA, NEW_PASSWORD).access)["emailVerified"] is True
    assert service.data(RESET, mailed=token, new=PASSWORD)["code"] == "INVALID_TOKEN"
    assert "password.reset" in _actions(service)


def test_a_password_that_is_not_fit_leaves_the_token_good(service: Service, box: Postbox) -> None:
    service.add_user(ADA)
    token = _mailed_reset(service, box)
    before = service.everything()

    wrong = [
        field_errors(service.data(RESET, mailed=token, new=password)) for password in ("short", ADA.upper())
    ]

    assert wrong == [{("input.newPassword", "TOO_SHORT")}, {("input.newPassword", "SAME_AS_EMAIL")}]
    assert service.everything() == before
    assert service.data(RESET, mailed=token, new=NEW_PASSWORD) == ACCEPTED


def test_a_token_is_good_for_its_time_and_its_purpose_only(service: Service, box: Postbox) -> None:
    service.add_user(ADA)
    token = _mailed_reset(service, box)

    assert service.data(VERIFY, mailed=token)["code"] == "INVALID_TOKEN"
    service.clock.move(3600)
    assert service.data(RESET, mailed=token, new=NEW_PASSWORD)["code"] == "INVALID_TOKEN"


def test_a_newer_mail_replaces_the_older_ones_token(service: Service, box: Postbox) -> None:
    service.add_user(ADA)
    old, new = (_mailed_reset(service, box) for _ in range(2))

    assert service.data(RESET, mailed=old, new=NEW_PASSWORD)["code"] == "INVALID_TOKEN"
    assert service.data(RESET, mailed=new, new=NEW_PASSWORD) == ACCEPTED


def test_a_token_is_no_good_once_the_account_has_another_address(service: Service, box: Postbox) -> None:
    user = service.add_user(ADA)
    admin = service.token_of("admin@example.com", Role.ADMIN)
    token = _mailed_reset(service, box)
    update = 'mutation ($id: ID!) { updateUser(id: $id, input: {email: "new@example.com"}) { __typename } }'
    service.data(update, admin, id=user.id)

    assert service.data(RESET, mailed=token, new=NEW_PASSWORD)["code"] == "INVALID_TOKEN"
    assert service.log_in("new@example.com", PASSWORD)


def test_of_many_who_use_a_token_at_once_exactly_one_does(service: Service, box: Postbox) -> None:
    service.add_user(ADA)
    token, start = _mailed_reset(service, box), threading.Barrier(6)

    def use(number: int) -> str:
        own = service.with_own_client()
        start.wait(60)
        return str(own.data(RESET, mailed=token, new=f"{NEW_PASSWORD} {number}")["__typename"])

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(use, range(6)))

    assert sorted(answers) == ["AcceptedSuccess"] + ["InvalidTokenError"] * 5


def test_two_replicas_send_each_mail_once(service: Service, box: Postbox) -> None:
    emails = [f"user{number}@example.com" for number in range(12)]
    for email in emails:
        _register(service, email)
    start = threading.Barrier(2)

    def deliver(_replica: int) -> int:
        start.wait(60)
        return _deliver(service)

    with ThreadPoolExecutor(2) as replicas:
        tried = list(replicas.map(deliver, range(2)))

    assert sum(tried) == 12
    assert sorted(mail["To"] for mail in box.mails) == sorted(emails)


def test_a_mail_outlives_a_server_that_is_away_and_either_attempts_token_is_good(
    service: Service, box: Postbox
) -> None:
    _register(service)
    box.refuses = True
    _deliver(service)
    first = box.token
    assert _deliver(service) == 0  # not at once
    box.refuses = False
    service.clock.move(20)
    _deliver(service)

    assert box.mails[0]["Message-ID"] == box.mails[1]["Message-ID"]
    assert box.token != first
    assert service.data(VERIFY, mailed=first) == ACCEPTED
    assert service.data(VERIFY, mailed=box.token)["code"] == "INVALID_TOKEN"


def test_a_mail_is_given_up_after_three_days_of_hourly_attempts(service: Service, box: Postbox) -> None:
    _register(service)
    box.refuses = True
    for _ in range(72):
        assert _deliver(service) == 1
        service.clock.move(3600)
    assert len(service.rows("SELECT * FROM outgoing_mails")) == 1

    _deliver(service)

    assert service.rows("SELECT * FROM outgoing_mails") == []


class PowerCut(BaseException):
    pass


class DyingCarrier:
    def carry(self, _message: object) -> None:
        raise PowerCut


def test_a_mail_whose_sender_died_is_sent_by_another_after_ten_minutes(
    service: Service, box: Postbox
) -> None:
    _register(service)
    with pytest.raises(PowerCut):
        replace(service.parts.mail_delivery, carrier=DyingCarrier()).deliver_all_due()
    service.clock.move(599)
    assert _deliver(service) == 0

    service.clock.move(1)

    assert _deliver(service) == 1
    assert [mail["To"] for mail in box.mails] == [ADA]


def test_where_verification_is_required_nobody_logs_in_before_it(
    database_url: str, keys_dir: Path, box: Postbox
) -> None:
    carrier = SmtpCarrier("127.0.0.1", box.port, "none")
    settings = settings_for(database_url, keys_dir, mail_carrier=carrier, verification_required=True)
    service = Service(settings)
    assert _register(service)["requiresVerification"] is True
    assert _register(service)["requiresVerification"] is True
    _deliver(service)
    refused = service.data(LOGIN, input={"email": ADA, "password": PASSWORD})
    wrong = service.data(LOGIN, input={"email": ADA, "password": NEW_PASSWORD})
    box.mails.sort(key=lambda mail: str(mail["Subject"]))  # the one with the token first

    del box.mails[1:]
    service.data(VERIFY, mailed=box.token)

    assert refused["code"] == "ACCOUNT_DISABLED"
    assert "Confirm your e-mail address" in refused["message"]
    assert wrong["code"] == "INVALID_CREDENTIALS"
    assert service.data(ME, service.log_in(ADA).access)["status"] == "ACTIVE"
    service.close()


@pytest.mark.parametrize(
    ("given", "mails"), [({}, 1), ({"sendInvite": False}, 0), ({"password": PASSWORD}, 0)]
)
def test_whom_staff_makes_an_account_without_a_password_is_invited_to_set_one(
    service: Service, box: Postbox, given: dict[str, Any], mails: int
) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    service.data(CREATE, admin, input={"email": ADA, **given})
    _deliver(service)

    assert [mail["To"] for mail in box.mails] == [ADA] * mails
    if mails:
        service.clock.move(6 * 24 * 3600)
        assert service.data(RESET, mailed=box.token, new=NEW_PASSWORD) == ACCEPTED
        assert service.data(ME, service.log_in(ADA, NEW_PASSWORD).access)["status"] == "ACTIVE"


def test_an_invitation_and_a_reset_that_is_asked_for_meanwhile_are_both_good_until_one_is_used(
    service: Service, box: Postbox
) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    service.data(CREATE, admin, input={"email": ADA})
    _deliver(service)
    invitation = box.token
    reset = _mailed_reset(service, box)

    assert service.data(RESET, mailed=invitation, new=NEW_PASSWORD) == ACCEPTED
    assert [service.data(RESET, mailed=token, new=PASSWORD)["code"] for token in (invitation, reset)] == [
        "INVALID_TOKEN"
    ] * 2
    assert service.rows("SELECT * FROM one_time_tokens") == []


def test_a_suspended_account_is_mailed_nothing_and_its_token_opens_nothing(
    service: Service, box: Postbox
) -> None:
    user = service.add_user(ADA)
    admin = service.token_of("admin@example.com", Role.ADMIN)
    token = _mailed_reset(service, box)
    service.data(
        "mutation ($id: ID!) { updateUser(id: $id, input: {status: SUSPENDED}) { __typename } }",
        admin,
        id=user.id,
    )
    service.data(ASK, email=ADA)
    _deliver(service)

    assert len(box.mails) == 1
    assert service.data(RESET, mailed=token, new=NEW_PASSWORD)["code"] == "INVALID_TOKEN"


def test_erasing_takes_tokens_and_waiting_mails_along(service: Service, box: Postbox) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    user = service.add_user(ADA)
    _mailed_reset(service, box)
    service.data(RESEND, email=ADA)

    assert service.data(DELETE, admin, id=user.id)["__typename"] == "DeleteUserSuccess"

    assert ADA not in str(service.everything())
    assert _deliver(service) == 0


def test_neither_addresses_nor_tokens_are_logged(
    service: Service, box: Postbox, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "user_subgraph"):
        _register(service)
        box.refuses = True
        _deliver(service)
        box.refuses = False
        service.clock.move(20)
        _deliver(service)
    ours = [vars(record) for record in caplog.records if record.name.startswith("user_subgraph")]

    messages = [record["message"] for record in ours if record["message"].startswith("mail")]
    assert messages == ["mail not sent yet", "mail sent"]
    assert ADA not in str(ours)
    assert box.token not in str(ours)
