"""Notices: what the owner of an account is told by mail, whoever did it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.contract.passkey_device import PasskeyDevice
from tests.user_subgraph.passkey_holder import PASSKEYS, REMOVE, confirmed, token_by_passkey, with_passkey
from tests.user_subgraph.postbox import Postbox
from tests.user_subgraph.service import PASSWORD, Service, settings_for, wait_until_somebody_waits
from tests.user_subgraph.test_mails import ADA, ASK, DELETE, NEW_PASSWORD, RESET
from tests.user_subgraph.test_second_factor import CHANGE, DISABLE, challenge, code_of, complete, enabled
from user_subgraph.bounds import Bound, Bounds, Throttled
from user_subgraph.mail import TEMPLATES, Letterhead, MailKind, OutgoingMail
from user_subgraph.mail_carriers import SmtpCarrier
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.user import Role


@pytest.fixture
def service(mailing_service: Service) -> Service:
    return mailing_service


def told(service: Service, box: Postbox) -> list[tuple[str, str]]:
    """To whom, and what, since it was asked last."""
    service.parts.mail_delivery.deliver_all_due()
    mails = [(str(mail["To"]), str(mail["Subject"])) for mail in box.mails]
    box.mails.clear()
    return mails


def named(service: Service, box: Postbox) -> list[str]:
    """What of the account stands in the mails since it was asked last."""
    service.parts.mail_delivery.deliver_all_due()
    lines = [line.strip() for text in box.texts for line in text.splitlines() if line.startswith("  ")]
    box.mails.clear()
    return sorted(lines)


def test_a_changed_password(service: Service, box: Postbox) -> None:
    service.data(CHANGE, service.token_of(ADA), old=PASSWORD, new=NEW_PASSWORD)

    assert told(service, box) == [(ADA, "Your password was changed")]


def test_a_password_that_was_not_changed_is_not_told(service: Service, box: Postbox) -> None:
    service.data(CHANGE, service.token_of(ADA), old="wrong", new=NEW_PASSWORD)

    assert told(service, box) == []


def test_a_password_that_was_reset(service: Service, box: Postbox) -> None:
    service.add_user(ADA)
    service.data(ASK, email=ADA)
    service.parts.mail_delivery.deliver_all_due()
    token = box.token
    box.mails.clear()

    service.data(RESET, mailed=token, new=NEW_PASSWORD)

    assert told(service, box) == [(ADA, "Your password was changed")]


def test_a_second_factor_that_is_switched_on_and_off(service: Service, box: Postbox) -> None:
    secret, codes = enabled(service)
    switched_on = told(service, box)
    login = complete(service, challenge(service), code_of(service, secret))["tokens"]["accessToken"]
    service.data(DISABLE, login, code=codes[0])

    assert switched_on == [(ADA, "A second factor was switched on")]
    assert sorted(told(service, box)) == [
        (ADA, "A recovery code of your account was used"),
        (ADA, "The second factor was switched off"),
    ]


def test_a_recovery_code_that_was_used_and_how_many_are_left(service: Service, box: Postbox) -> None:
    _, codes = enabled(service)
    told(service, box)
    for code in (*codes[:2], codes[0]):
        complete(service, challenge(service), code, "RECOVERY_CODE")

    assert named(service, box) == ["8 of 10", "9 of 10"]


def test_what_is_said_of_the_codes_that_are_left_stays_true_when_they_all_go(
    service: Service, box: Postbox
) -> None:
    secret, codes = enabled(service)
    login = complete(service, challenge(service), code_of(service, secret))["tokens"]["accessToken"]
    told(service, box)
    service.data(DISABLE, login, code=codes[0])
    service.parts.mail_delivery.deliver_all_due()

    (used,) = [text for text in box.texts if "of 10" in text]
    assert service.rows("SELECT * FROM recovery_codes") == []
    assert "After that there were left:" in used.splitlines()[1]


def test_passkeys_that_are_added_and_removed(service: Service, box: Postbox) -> None:
    phone, key = with_passkey(service), PasskeyDevice()
    first = told(service, box)
    token = token_by_passkey(service, phone)
    confirmed(service, token, key)
    second = told(service, box)
    one, other = (each["id"] for each in service.data(PASSKEYS, token)["passkeys"])
    service.data(REMOVE, token, id=one)
    removed = told(service, box)
    service.data(REMOVE, token, id=other)

    assert first == second == [(ADA, "A passkey was added to your account")]
    assert removed == [(ADA, "A passkey was removed from your account")]
    assert told(service, box) == [(ADA, "The second factor was switched off")]


def test_passkeys_are_named(service: Service, box: Postbox) -> None:
    phone = with_passkey(service)
    token = token_by_passkey(service, phone)
    confirmed(service, token, PasskeyDevice(), "Key of steel")
    added = named(service, box)
    service.data(REMOVE, token, id=service.data(PASSKEYS, token)["passkeys"][1]["id"])

    assert added == ['"Key of steel"', '"Phone"']
    assert named(service, box) == ['"Key of steel"']


def test_a_thief_who_names_a_passkey_puts_no_link_of_theirs_into_the_mail(
    service: Service, box: Postbox
) -> None:
    name = 'Phone". Not yours? https://evil.example/undo, me@evil\u3002example'

    confirmed(service, service.token_of(ADA), PasskeyDevice(), name)

    assert named(service, box) == ['"Phone  Not yours? https evil example undo, me evil example"']


def test_an_app_that_is_removed_beside_a_passkey(service: Service, box: Postbox) -> None:
    secret, codes = enabled(service)
    token = complete(service, challenge(service), code_of(service, secret))["tokens"]["accessToken"]
    confirmed(service, token, PasskeyDevice())
    told(service, box)

    service.data(DISABLE, token, code=codes[0])

    assert sorted(told(service, box)) == [
        (ADA, "A recovery code of your account was used"),
        (ADA, "Your authenticator app was removed"),
    ]


def test_a_second_factor_that_the_operator_takes_away(service: Service, box: Postbox) -> None:
    enabled(service)
    told(service, box)

    assert service.parts.second_factor.take_away(ADA)

    assert told(service, box) == [(ADA, "The second factor was taken from your account")]


def test_a_login_that_was_used_twice(service: Service, box: Postbox) -> None:
    service.add_user(ADA)
    stolen = service.log_in(ADA).refresh
    refresh = stolen
    for _ in range(2):
        refresh = service.refresh(refresh)["tokens"]["refreshToken"]
    service.clock.move(60)
    codes = [service.refresh(stolen)["code"] for _ in range(2)]

    assert codes == ["INVALID_TOKEN"] * 2
    assert told(service, box) == [(ADA, "A login to your account was ended")]


def test_a_login_that_was_ended_is_told_from_others(service: Service, box: Postbox) -> None:
    service.add_user(ADA)
    began = service.clock()
    stolen = service.log_in(ADA).refresh
    service.clock.move(3600)
    refresh = stolen
    for _ in range(2):
        refresh = service.refresh(refresh)["tokens"]["refreshToken"]
    service.clock.move(60)
    service.refresh(stolen)

    assert named(service, box) == [
        f"a login with your password or a passkey, since {began:%Y-%m-%d, %H:%M} UTC"
    ]


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_notice_of_who_holds_the_session_of_somebody_who_is_being_erased_is_erased_too(
    service: Service,
) -> None:
    """SQLite has one writer."""
    admin = service.token_of("admin@example.com", Role.ADMIN)
    user = service.add_user(ADA)
    service.log_in(ADA)

    with ThreadPoolExecutor(1) as threads, service.parts.database.writing() as session:
        session.execute(text("SELECT id FROM sessions FOR UPDATE"))
        erased = threads.submit(service.with_own_client().data, DELETE, admin, id=user.id)
        wait_until_somebody_waits(service)  # it holds the user, and wants the session
        OutgoingMails(session).notify(MailKind.LOGIN_ENDED, user, service.clock())
        session.commit()
        assert erased.result(timeout=60)["__typename"] == "DeleteUserSuccess"

    assert ADA not in str(service.everything())


def test_who_is_suspended_is_told_and_who_is_deleted_is_not(service: Service, box: Postbox) -> None:
    admin = service.token_of("admin@example.com", Role.ADMIN)
    update = "mutation ($id: ID!) { updateUser(id: $id, input: {status: SUSPENDED}) { __typename } }"
    outcomes = []
    for email, mutation in ((ADA, update), ("grace@example.com", DELETE)):
        user = service.add_user(email)
        service.data(CHANGE, service.log_in(email).access, old=PASSWORD, new=NEW_PASSWORD)
        service.data(mutation, admin, id=user.id)
        outcomes.append(told(service, box))

    assert outcomes == [[(ADA, "Your password was changed")], []]


def test_nobody_fills_a_mailbox_with_notices_and_many_of_one_kind_hide_no_other(
    database_url: str, keys_dir: Path, box: Postbox
) -> None:
    settings = settings_for(database_url, keys_dir, mail_carrier=SmtpCarrier("127.0.0.1", box.port, "none"))
    bounds = {**settings.bounds, Throttled.NOTICE: Bounds(per_account=Bound(2, 3600))}
    with closing(Service(replace(settings, bounds=bounds))) as service:
        token = service.token_of(ADA)
        for old, new in ((PASSWORD, NEW_PASSWORD), (NEW_PASSWORD, PASSWORD)) * 2:
            service.data(CHANGE, token, old=old, new=new)
        many = told(service, box)
        service.clock.move(3600)
        token = service.log_in(ADA).access
        service.data(CHANGE, token, old=PASSWORD, new=NEW_PASSWORD)

        assert many == [(ADA, "Your password was changed")] * 2
        assert told(service, box) == [(ADA, "Your password was changed")]
        assert service.rows("SELECT * FROM outgoing_mails") == []


def test_a_notice_that_was_not_taken_is_tried_again_however_many_there_were(
    database_url: str, keys_dir: Path, box: Postbox
) -> None:
    settings = settings_for(database_url, keys_dir, mail_carrier=SmtpCarrier("127.0.0.1", box.port, "none"))
    bounds = {**settings.bounds, Throttled.NOTICE: Bounds(per_account=Bound(1, 3600))}
    with closing(Service(replace(settings, bounds=bounds))) as service:
        service.data(CHANGE, service.token_of(ADA), old=PASSWORD, new=NEW_PASSWORD)
        box.refuses = True
        told(service, box)
        box.refuses = False
        service.clock.move(20)

        assert told(service, box) == [(ADA, "Your password was changed")]


@pytest.mark.parametrize(
    "kind", [kind for kind in MailKind if kind.is_notice and kind is not MailKind.DATA_EXPORT_READY]
)
def test_a_notice_has_no_link_and_no_token(service: Service, kind: MailKind) -> None:
    letterhead = Letterhead("shop@example.com", "https://shop.example.com")
    mail = OutgoingMail("mail_1", kind, ADA, None, 1, service.clock())

    message: EmailMessage = letterhead.message(mail, None, service.clock())

    text = str(message.get_content())
    assert "http" not in text
    assert "$" not in text


def test_every_kind_of_mail_has_its_template_and_every_template_its_kind() -> None:
    assert {path.stem for path in TEMPLATES.iterdir()} == {kind.value for kind in MailKind}
