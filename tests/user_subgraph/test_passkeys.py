"""The passkeys of an account: adding one, and taking it away."""

import json
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy.exc import IntegrityError

from tests.contract.passkey_device import PasskeyDevice, b64
from tests.user_subgraph.passkey_holder import (
    CONFIRM_PASSKEY,
    ENROLL_PASSKEY,
    LOGIN,
    NOT_OF_A_DEVICE,
    PASSKEYS,
    REMOVE,
    after_password,
    alone,
    begin,
    confirmed,
    token_by_passkey,
    with_passkey,
)
from tests.user_subgraph.service import NOBODY, PASSWORD, Service, field_errors
from tests.user_subgraph.test_erasing import ERASE
from tests.user_subgraph.test_second_factor import (
    ADA,
    CHANGE,
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
from user_subgraph.mfa import CHALLENGE_LIFE
from user_subgraph.passkey import MOST_PASSKEYS, Credential, new_passkey
from user_subgraph.passkey_repository import PasskeyRepository
from user_subgraph.user import Role, UserId


def test_adding_one_gives_recovery_codes_and_asks_for_it_from_now_on(service: Service) -> None:
    token = service.token_of(ADA)

    added = confirmed(service, token, PasskeyDevice(), "  Ada's phone ")
    asked = service.data(LOGIN, input={"email": ADA, "password": PASSWORD})

    assert added["passkey"]["name"] == "Ada's phone"
    assert len(set(added["recoveryCodes"])) == 10
    assert service.data(PASSKEYS, token) == {"passkeys": [added["passkey"]]}
    assert service.data(MFA_ENABLED, token) == {"mfaEnabled": True}
    assert (asked["__typename"], asked["methods"]) == ("MfaRequiredError", ["RECOVERY_CODE", "PASSKEY"])
    assert asked["message"] == "Use one of your recovery codes or a passkey."
    assert [action for action in actions(service) if "login" not in action][-2:] == [
        "passkey.added",
        "mfa.enabled",
    ]


def test_what_a_new_key_has_signed_itself_is_read(service: Service) -> None:
    device = with_passkey(service, attests=True)
    forged = PasskeyDevice(attests=True)
    token = token_by_passkey(service, device)
    response = forged.create(
        service.data(ENROLL_PASSKEY, token)["options"], attestation={"attStmt": {"alg": -7, "sig": b"x"}}
    )

    refused = service.data(CONFIRM_PASSKEY, token, input={"name": "Key", "response": response})

    assert field_errors(refused) == {("input.response", "INVALID")}


def test_the_browser_is_asked_for_one_that_knows_its_user(service: Service) -> None:
    token = service.token_of(ADA)
    first = PasskeyDevice()
    confirmed(service, token, first)

    token = token_by_passkey(service, first)
    creation = json.loads(service.data(ENROLL_PASSKEY, token)["options"])
    request = json.loads(begin(service)[1])

    assert creation["rp"] == {"id": "localhost", "name": "Modular Payment System"}
    assert creation["user"]["name"] == ADA
    assert creation["authenticatorSelection"]["residentKey"] == "required"
    assert creation["authenticatorSelection"]["userVerification"] == "required"
    assert creation["excludeCredentials"] == [
        {"id": b64(first.credential_id), "type": "public-key", "transports": ["hybrid", "internal"]}
    ]
    assert (request["rpId"], request["userVerification"]) == ("localhost", "required")
    assert request["allowCredentials"] == []


def test_with_an_authenticator_app_it_gives_no_new_codes(service: Service) -> None:
    secret, codes = enabled(service)
    token = complete(service, challenge(service), code_of(service, secret))["tokens"]["accessToken"]
    device = PasskeyDevice()

    added = confirmed(service, token, device)
    asked = service.data(LOGIN, input={"email": ADA, "password": PASSWORD})

    assert added["recoveryCodes"] == []
    assert asked["methods"] == ["TOTP", "RECOVERY_CODE", "PASSKEY"]
    assert complete(service, asked["challengeId"], codes[0], "RECOVERY_CODE")["__typename"] == "LoginSuccess"
    assert after_password(service, device)["__typename"] == "LoginSuccess"


def test_adding_the_first_ends_the_sessions_that_were_opened_without_it(service: Service) -> None:
    service.add_user(ADA)
    thief, owner = service.log_in(ADA), service.log_in(ADA)

    confirmed(service, owner.access, PasskeyDevice())

    assert service.refusal(MFA_ENABLED, thief.access)["code"] == "UNAUTHENTICATED"
    assert service.data(MFA_ENABLED, owner.access) == {"mfaEnabled": True}


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\x00b"])
def test_it_needs_a_name(service: Service, name: str) -> None:
    token = service.token_of(ADA)
    options = service.data(ENROLL_PASSKEY, token)["options"]

    given = {"name": name, "response": PasskeyDevice().create(options)}
    refused = service.data(CONFIRM_PASSKEY, token, input=given)

    assert {path for path, _ in field_errors(refused)} == {"input.name"}
    assert service.data(PASSKEYS, token) == {"passkeys": []}


@pytest.mark.parametrize("response", NOT_OF_A_DEVICE)
def test_what_no_device_has_answered_adds_nothing(service: Service, response: str) -> None:
    token = service.token_of(ADA)
    service.data(ENROLL_PASSKEY, token)
    before = service.everything()

    refused = service.data(CONFIRM_PASSKEY, token, input={"name": "Phone", "response": response})

    assert field_errors(refused) == {("input.response", "INVALID")}
    assert service.everything() == before


def certificate_of_no_known_kind() -> bytes:
    key, name = generate_private_key(SECP256R1()), x509.Name([])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day).sign(key, SHA256())
    elliptic, unknown = bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0209")
    return made.public_bytes(Encoding.DER).replace(elliptic, unknown)


def attestations() -> dict[str, dict[str, Any]]:
    """What stands in an attestation object that should be none."""
    short = bytes(37)
    return {
        "of an unknown form": {"fmt": "pigeon"},
        "of no form": {"fmt": 1},
        "with a statement": {"attStmt": {"sig": b"x"}},
        "of certificates that are none": {
            "fmt": "packed",
            "attStmt": {"alg": -7, "sig": b"x", "x5c": [b"x"]},
        },
        "of a maker that is none": {"fmt": "fido-u2f", "attStmt": {"sig": b"x", "x5c": [b"x"]}},
        "of a chip that is none": {
            "fmt": "tpm",
            "attStmt": {"ver": "2.0", "alg": -7, "sig": b"", "x5c": [b""]},
        },
        "without data": {"authData": b""},
        "with other data": {"authData": "text"},
        "of too little": {"authData": short},
        "of a certificate of no known kind": {
            "fmt": "packed",
            "attStmt": {"alg": -7, "sig": b"x", "x5c": [certificate_of_no_known_kind()]},
        },
        "of a maker who says nothing": {
            "fmt": "android-safetynet",
            "attStmt": {"ver": "1", "response": b"bnVsbA.bnVsbA.AA"},
        },
    }


@pytest.mark.parametrize("kind", attestations())
def test_a_broken_attestation_adds_nothing(service: Service, kind: str) -> None:
    token = service.token_of(ADA)
    options = service.data(ENROLL_PASSKEY, token)["options"]

    response = PasskeyDevice().create(options, attestation=attestations()[kind])
    refused = service.data(CONFIRM_PASSKEY, token, input={"name": "Phone", "response": response})

    assert field_errors(refused) == {("input.response", "INVALID")}


@pytest.mark.parametrize("key", [b"", b"\x04", b"x", cbor2.dumps({}), cbor2.dumps({1: 2, 3: -7}), cbor2.dumps([1]),
                                 cbor2.dumps({1: 2, 3: -7, -1: 1, -2: b"x" * 32, -3: b"y" * 32}),
                                 cbor2.dumps({1: 2, 3: -7, -1: 99, -2: b"x", -3: b"y"}),
                                 cbor2.dumps({1: 3, 3: -257, -1: b"", -2: b""}), cbor2.dumps({1: 9, 3: -7})])  # fmt: skip
def test_a_key_that_is_none_adds_nothing(service: Service, key: bytes) -> None:
    token = service.token_of(ADA)
    options = service.data(ENROLL_PASSKEY, token)["options"]

    response = PasskeyDevice(told_key=key).create(options)
    refused = service.data(CONFIRM_PASSKEY, token, input={"name": "Phone", "response": response})

    assert field_errors(refused) == {("input.response", "INVALID")}


@pytest.mark.parametrize(
    "device",
    [
        PasskeyDevice(origin="https://localhost:8001"),
        PasskeyDevice(origin="http://localhost:9999"),
        PasskeyDevice(origin="http://evil.example"),
        PasskeyDevice(verifies_user=False),
    ],
)
def test_elsewhere_or_without_its_user_it_is_not_added(service: Service, device: PasskeyDevice) -> None:
    token = service.token_of(ADA)
    options = service.data(ENROLL_PASSKEY, token)["options"]

    refused = service.data(
        CONFIRM_PASSKEY, token, input={"name": "Phone", "response": device.create(options)}
    )

    assert field_errors(refused) == {("input.response", "INVALID")}


def test_an_enrolment_waits_five_minutes_and_is_confirmed_once(service: Service) -> None:
    token = service.token_of(ADA)
    options = service.data(ENROLL_PASSKEY, token)["options"]
    given = {"name": "Phone", "response": PasskeyDevice().create(options)}
    service.data(CONFIRM_PASSKEY, token, input=given)
    token = service.token_of("grace@example.com")
    late = service.data(ENROLL_PASSKEY, token)["options"]
    anothers = service.data(CONFIRM_PASSKEY, token, input=given)
    service.clock.move(CHALLENGE_LIFE.total_seconds())

    too_late = service.data(
        CONFIRM_PASSKEY, token, input={"name": "Phone", "response": PasskeyDevice().create(late)}
    )

    assert field_errors(anothers) == field_errors(too_late) == {("input.response", "INVALID")}
    assert len(service.rows("SELECT id FROM passkeys")) == 1


def test_nobody_registers_anothers_credential(service: Service) -> None:
    """Else its owner's logins would be looked for with the wrong key."""
    device = with_passkey(service)
    token = service.token_of("grace@example.com")
    options = service.data(ENROLL_PASSKEY, token)["options"]
    copied = PasskeyDevice(credential_id=device.credential_id).create(options)

    refused = service.data(CONFIRM_PASSKEY, token, input={"name": "Phone", "response": copied})

    assert field_errors(refused) == {("input.response", "INVALID")}
    assert alone(service, device)["user"]["id"] != service.data("{ me { id } }", token)["id"]


def test_nobodys_passkey_is_a_fault_of_ours_and_no_bad_answer(service: Service) -> None:
    passkey = new_passkey(UserId(NOBODY), "Phone", Credential(b"id", b"key", 0, ()), service.clock())

    with pytest.raises(IntegrityError), service.parts.database.writing() as session:
        PasskeyRepository(session).add(passkey)


def test_removing_the_last_asks_for_no_second_factor_any_more(service: Service) -> None:
    device = with_passkey(service)
    token = token_by_passkey(service, device)
    (passkey,) = service.data(PASSKEYS, token)["passkeys"]

    removed = service.data(REMOVE, token, id=passkey["id"])

    assert removed["__typename"] == "AcceptedSuccess"
    assert service.data(MFA_ENABLED, token) == {"mfaEnabled": False}
    assert service.log_in(ADA).access
    assert alone(service, device)["__typename"] == "InvalidCredentialsError"
    assert service.rows("SELECT code_hash FROM recovery_codes") == []


def test_removing_one_of_two_leaves_the_other(service: Service) -> None:
    phone, key = with_passkey(service), PasskeyDevice()
    token = token_by_passkey(service, phone)
    confirmed(service, token, key, "Key")
    first, second = service.data(PASSKEYS, token)["passkeys"]

    service.data(REMOVE, token, id=first["id"])

    assert service.data(PASSKEYS, token) == {"passkeys": [second]}
    assert service.data(MFA_ENABLED, token) == {"mfaEnabled": True}
    assert alone(service, phone)["__typename"] == "InvalidCredentialsError"
    assert alone(service, key)["__typename"] == "LoginSuccess"


def test_without_the_app_the_passkey_is_still_asked_for(service: Service) -> None:
    secret, codes = enabled(service)
    token = complete(service, challenge(service), code_of(service, secret))["tokens"]["accessToken"]
    device = PasskeyDevice()
    confirmed(service, token, device)

    disabled = service.data(DISABLE, token, code=codes[0])
    asked = service.data(LOGIN, input={"email": ADA, "password": PASSWORD})

    assert disabled["__typename"] == "AcceptedSuccess"
    assert asked["methods"] == ["RECOVERY_CODE", "PASSKEY"]
    service.clock.move(30)
    assert complete(service, asked["challengeId"], code_of(service, secret))["__typename"] == (
        "InvalidCredentialsError"
    )
    assert complete(service, asked["challengeId"], codes[1], "RECOVERY_CODE")["__typename"] == "LoginSuccess"
    assert "authenticator.removed" in actions(service)


def test_where_there_is_no_app_none_is_taken_and_no_code_used_up(service: Service) -> None:
    device = PasskeyDevice()
    codes = confirmed(service, service.token_of(ADA), device)["recoveryCodes"]
    token = token_by_passkey(service, device)
    before = service.everything()

    assert service.data(DISABLE, token, code=codes[0])["__typename"] == "AcceptedSuccess"
    assert service.everything() == before


def test_nobody_removes_anothers(service: Service) -> None:
    with_passkey(service)
    (row,) = service.rows("SELECT id FROM passkeys")
    grace = service.token_of("grace@example.com")

    for passkey_id in (row["id"], "pk_unknown", "", "pk_\x00"):
        assert service.data(REMOVE, grace, id=passkey_id)["__typename"] == "NotFoundError"
    assert service.rows("SELECT id FROM passkeys") == [row]


def test_changing_passkeys_needs_a_fresh_login_with_the_second_factor(service: Service) -> None:
    service.add_user(ADA)
    by_password = service.log_in(ADA).access
    confirmed(service, by_password, PasskeyDevice())
    (passkey,) = service.data(PASSKEYS, by_password)["passkeys"]

    add = service.data(ENROLL_PASSKEY, by_password)
    confirm = service.data(CONFIRM_PASSKEY, by_password, input={"name": "Key", "response": "{}"})
    remove = service.data(REMOVE, by_password, id=passkey["id"])

    assert {add["__typename"], confirm["__typename"], remove["__typename"]} == {
        "ReauthenticationRequiredError"
    }


def test_an_account_has_no_more_than_it_can_look_through(service: Service) -> None:
    device = with_passkey(service)
    token = token_by_passkey(service, device)
    for number in range(1, MOST_PASSKEYS):
        confirmed(service, token, PasskeyDevice(), f"Key {number}")

    refused = service.data(ENROLL_PASSKEY, token)

    assert {code for _, code in field_errors(refused)} == {"NOT_ALLOWED"}


def test_a_new_password_ends_an_enrolment_that_was_not_confirmed(service: Service) -> None:
    token = service.token_of(ADA)
    options = service.data(ENROLL_PASSKEY, token)["options"]
    service.data(CHANGE, token, old=PASSWORD, new="another-horse-demo")

    given = {"name": "Phone", "response": PasskeyDevice().create(options)}

    assert field_errors(service.data(CONFIRM_PASSKEY, token, input=given)) == {("input.response", "INVALID")}


def test_an_app_is_confirmed_beside_a_passkey_with_new_codes(service: Service) -> None:
    device = with_passkey(service)
    token = token_by_passkey(service, device)
    secret = service.data(ENROLL, token)["secret"]

    codes = service.data(CONFIRM, token, code=code_of(service, secret))["recoveryCodes"]

    assert len(codes) == 10
    assert len(service.rows("SELECT code_hash FROM recovery_codes")) == 10
    assert alone(service, device)["__typename"] == "LoginSuccess"


def test_the_operator_takes_passkeys_away_too(service: Service) -> None:
    device = with_passkey(service)

    assert service.parts.second_factor.take_away(ADA)
    assert service.rows("SELECT id FROM passkeys") == []
    assert alone(service, device)["__typename"] == "InvalidCredentialsError"


def test_others_do_not_see_which_there_are(service: Service) -> None:
    with_passkey(service)
    (ada,) = service.rows("SELECT user_id FROM passkeys")
    admin = service.token_of("admin@example.com", Role.ADMIN)

    shown = service.data("query ($id: ID!) { user(id: $id) { passkeys { id } } }", admin, id=ada["user_id"])

    assert shown == {"passkeys": None}


def test_of_who_was_erased_no_passkey_is_left(service: Service) -> None:
    device = with_passkey(service)
    service.data(ENROLL_PASSKEY, token_by_passkey(service, device))
    (row,) = service.rows("SELECT user_id FROM passkeys")
    admin = service.token_of("admin@example.com", Role.ADMIN)

    service.data(ERASE, admin, id=row["user_id"])

    assert service.rows("SELECT id FROM passkeys") == []
    assert service.rows("SELECT user_id FROM passkey_enrolments") == []
    assert alone(service, device)["__typename"] == "InvalidCredentialsError"
