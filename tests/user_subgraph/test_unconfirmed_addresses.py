"""No second factor is added before the account's address is confirmed: its owner could not get rid of a stranger's."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.passkey_device import PasskeyDevice
from tests.user_subgraph.passkey_holder import (
    CONFIRM_PASSKEY,
    ENROLL_PASSKEY,
    PASSKEYS,
    REMOVE,
    alone,
    confirmed,
    token_by_passkey,
    with_passkey,
)
from tests.user_subgraph.postbox import Postbox
from tests.user_subgraph.service import (
    PASSWORD,
    Service,
    Tokens,
    field_errors,
    wait_until_somebody_waits,
)
from tests.user_subgraph.test_email_change import UPDATE
from tests.user_subgraph.test_mails import ACCEPTED, ASK, NEW_PASSWORD, RESEND, RESET, VERIFY
from tests.user_subgraph.test_registration import REGISTER
from tests.user_subgraph.test_second_factor import (
    ADA,
    CONFIRM,
    DISABLE,
    ENROLL,
    MFA_ENABLED,
    actions,
    challenge,
    code_of,
    complete,
    enabled,
)
from user_subgraph.user import Role, UserId, changed
from user_subgraph.user_repository import UserRepository

OLD = "old@example.com"
ADDING: dict[str, tuple[str, dict[str, Any]]] = {
    "enrollTotp": (ENROLL, {}),
    "confirmTotp": (CONFIRM, {"code": "123456"}),
    "enrollPasskey": (ENROLL_PASSKEY, {}),
    "confirmPasskey": (CONFIRM_PASSKEY, {"input": {"name": "Phone", "response": "{}"}}),
}


@pytest.fixture
def service(mailing_service: Service) -> Service:
    return mailing_service


@pytest.fixture
def registered(service: Service) -> Tokens:
    """Of somebody who says that the address is theirs."""
    service.data(REGISTER, input={"email": ADA, "password": PASSWORD})
    return service.log_in(ADA)


def code_for(service: Service, token: str, mutation: str) -> str:
    query, variables = ADDING[mutation]
    result = service.data(query, token, **variables)
    return str(result.get("code", result["__typename"]))


def mailed(service: Service, box: Postbox, ask: str) -> str:
    """The token that comes when *ask* is asked."""
    assert service.data(ask, email=ADA) == ACCEPTED
    service.parts.mail_delivery.deliver_all_due()
    return box.token


def confirm_address(service: Service, box: Postbox) -> None:
    assert service.data(VERIFY, mailed=mailed(service, box, RESEND)) == ACCEPTED


def id_of(service: Service, email: str) -> str:
    (row,) = service.rows("SELECT id FROM users WHERE email = :email", email=email)
    found: str = row["id"]
    return found


def move(service: Service) -> None:
    """Staff give the account of the old address that of Ada, which nobody has confirmed."""
    admin = service.token_of("admin@example.com", Role.ADMIN)
    moved = service.data(UPDATE, admin, id=id_of(service, OLD), input={"email": ADA})
    assert moved["__typename"] == "UserSuccess"


@pytest.mark.parametrize("mutation", ADDING)
def test_before_the_address_is_confirmed_no_factor_is_added_and_nothing_is_written(
    service: Service, registered: Tokens, mutation: str
) -> None:
    query, variables = ADDING[mutation]
    before = service.everything()

    refused = service.data(query, registered.access, **variables)

    assert (refused["__typename"], refused["code"]) == ("EmailNotVerifiedError", "EMAIL_NOT_VERIFIED")
    assert refused["message"].endswith("it can be sent again.")
    assert service.everything() == before


def test_once_it_is_confirmed_the_same_login_adds_one(
    service: Service, registered: Tokens, box: Postbox
) -> None:
    confirm_address(service, box)

    secret = service.data(ENROLL, registered.access)["secret"]
    service.data(CONFIRM, registered.access, code=code_of(service, secret))

    assert service.data(MFA_ENABLED, registered.access) == {"mfaEnabled": True}


@pytest.mark.parametrize("mutation", ADDING)
def test_the_address_is_asked_about_before_a_login_of_just_now(
    service: Service, registered: Tokens, box: Postbox, mutation: str
) -> None:
    """Else people would log in again, then look into their mail, and perhaps have to log in once more."""
    service.clock.move(service.settings.fresh_login_s)
    old_login = service.refresh(registered.refresh)["tokens"]["accessToken"]

    unconfirmed = code_for(service, old_login, mutation)
    confirm_address(service, box)

    assert unconfirmed == "EMAIL_NOT_VERIFIED"
    assert code_for(service, old_login, mutation) == "REAUTHENTICATION_REQUIRED"


def test_who_opens_an_account_of_somebody_elses_address_leaves_no_factor_there(
    service: Service, registered: Tokens, box: Postbox
) -> None:
    refused = {code_for(service, registered.access, mutation) for mutation in ADDING}

    confirm_address(service, box)
    service.data(RESET, mailed=mailed(service, box, ASK), new=NEW_PASSWORD)

    assert refused == {"EMAIL_NOT_VERIFIED"}
    assert service.log_in(ADA, NEW_PASSWORD).access
    assert service.refusal(MFA_ENABLED, registered.access)["code"] == "UNAUTHENTICATED"
    assert [service.rows(f"SELECT * FROM {table}") for table in ("totp", "passkeys")] == [[], []]  # noqa: S608


def test_what_was_begun_before_another_address_was_given_can_not_be_ended(
    service: Service, box: Postbox
) -> None:
    token, device = service.token_of(OLD), PasskeyDevice()
    secret = service.data(ENROLL, token)["secret"]
    response = device.create(service.data(ENROLL_PASSKEY, token)["options"])
    passkey = {"name": "Phone", "response": response}
    move(service)

    unconfirmed = [
        service.data(CONFIRM, token, code=code_of(service, secret))["__typename"],
        service.data(CONFIRM_PASSKEY, token, input=passkey)["__typename"],
    ]
    confirm_address(service, box)

    assert unconfirmed == ["EmailNotVerifiedError"] * 2
    assert field_errors(service.data(CONFIRM, token, code=code_of(service, secret))) == {("code", "INVALID")}
    assert field_errors(service.data(CONFIRM_PASSKEY, token, input=passkey)) == {
        ("input.response", "INVALID")
    }
    assert service.data(MFA_ENABLED, token) == {"mfaEnabled": False}


def test_an_authenticator_is_good_and_can_be_taken_away_while_the_address_is_not_confirmed(
    service: Service,
) -> None:
    secret, _ = enabled(service, OLD)
    move(service)

    token = complete(service, challenge(service), code_of(service, secret))["tokens"]["accessToken"]
    service.clock.move(30)

    assert service.data(DISABLE, token, code=code_of(service, secret)) == ACCEPTED
    assert service.data(MFA_ENABLED, token) == {"mfaEnabled": False}


def test_a_passkey_is_good_and_can_be_removed_while_the_address_is_not_confirmed(service: Service) -> None:
    device = with_passkey(service, OLD)
    move(service)

    token = token_by_passkey(service, device)
    (passkey,) = service.data(PASSKEYS, token)["passkeys"]

    assert service.data(REMOVE, token, id=passkey["id"]) == ACCEPTED
    assert service.data(MFA_ENABLED, token) == {"mfaEnabled": False}


def test_a_reset_takes_the_factors_of_who_had_the_account_under_another_address(
    service: Service, box: Postbox
) -> None:
    secret, _ = enabled(service, OLD)
    old = complete(service, challenge(service, OLD), code_of(service, secret))["tokens"]["accessToken"]
    device = PasskeyDevice()
    confirmed(service, old, device)
    move(service)

    service.data(RESET, mailed=mailed(service, box, ASK), new=NEW_PASSWORD)

    assert service.log_in(ADA, NEW_PASSWORD).access
    assert alone(service, device)["__typename"] == "InvalidCredentialsError"
    assert [service.rows(f"SELECT * FROM {table}") for table in ("totp", "passkeys")] == [[], []]  # noqa: S608
    assert "mfa.disabled" in actions(service)


def test_an_operator_answers_for_the_addresses_that_they_give(service: Service) -> None:
    administrator = service.token_of("root@example.com", Role.ADMIN)

    assert code_for(service, administrator, "enrollTotp") == "TotpEnrollment"


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize("mutation", ADDING)
def test_who_adds_a_factor_while_another_address_is_given_waits_and_is_refused(
    service: Service, mutation: str
) -> None:
    """SQLite has one writer at a time."""
    token, user_id = service.token_of(OLD), UserId(id_of(service, OLD))

    with ThreadPoolExecutor(1) as pool:
        with service.parts.database.writing() as session:
            users = UserRepository(session)
            user = users.locked(user_id)
            assert user
            users.save(changed(user, {"email": ADA}, service.clock()))
            adding = pool.submit(code_for, service.with_own_client(), token, mutation)
            wait_until_somebody_waits(service)
        assert adding.result(timeout=60) == "EMAIL_NOT_VERIFIED"
