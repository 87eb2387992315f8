"""Logging in with a passkey: after the password, and by itself."""

import json
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from tests.contract.passkey_device import PasskeyDevice, b64
from tests.user_subgraph.passkey_holder import (
    BEGIN,
    ENROLL_PASSKEY,
    LOGIN,
    NOT_OF_A_DEVICE,
    PASSKEYS,
    after_password,
    alone,
    begin,
    token_by_passkey,
    with_passkey,
)
from tests.user_subgraph.service import PASSWORD, Service
from tests.user_subgraph.test_at_the_same_time import MANY, at_once
from tests.user_subgraph.test_second_factor import (
    ADA,
    actions,
    challenge,
    claims,
    complete,
)
from user_subgraph.bounds import BOUNDS, Bound, Bounds, Throttled
from user_subgraph.mfa import CHALLENGE_LIFE, GUESSING_WINDOW, MOST_GUESSES


def test_it_ends_a_login_after_the_password(service: Service) -> None:
    device = with_passkey(service)

    result = after_password(service, device)

    assert result["__typename"] == "LoginSuccess"
    assert claims(result["tokens"]["accessToken"])["amr"] == ["pwd", "swk", "user", "mfa"]


def test_by_itself_it_is_a_login_with_two_factors(service: Service) -> None:
    device = with_passkey(service)
    challenge_id, options = begin(service, scopes=["profile:read", "no:scope"])

    result = complete(service, challenge_id, device.get(options), "PASSKEY")

    assert result["__typename"] == "LoginSuccess"
    told = claims(result["tokens"]["accessToken"])
    assert (told["amr"], told["scope"]) == (["swk", "user", "mfa"], "profile:read")
    assert actions(service)[-1] == "login.succeeded"
    assert (
        service.data(ENROLL_PASSKEY, token_by_passkey(service, device))["__typename"] == "PasskeyEnrollment"
    )


def test_a_login_with_it_is_shown_as_its_last_use(service: Service) -> None:
    device = with_passkey(service)
    service.clock.move(60)

    (shown,) = service.data(PASSKEYS, token_by_passkey(service, device))["passkeys"]

    assert shown["lastUsedAt"] == "2026-11-23T10:01:00Z"


@pytest.mark.parametrize("response", NOT_OF_A_DEVICE)
def test_what_no_device_has_answered_is_no_login(service: Service, response: str) -> None:
    with_passkey(service)
    sessions = service.rows("SELECT id FROM sessions")
    asked = service.data(LOGIN, input={"email": ADA, "password": PASSWORD})["challengeId"]

    for challenge_id in (asked, begin(service)[0]):
        refused = complete(service, challenge_id, response, "PASSKEY")
        assert refused["__typename"] == "InvalidCredentialsError", refused
    assert service.rows("SELECT id FROM sessions") == sessions


@pytest.mark.parametrize(
    "traits",
    [{"origin": "http://evil.example"}, {"verifies_user": False}, {"credential_id": b"another"}],
)
def test_elsewhere_or_without_its_user_it_logs_nobody_in(service: Service, traits: dict[str, Any]) -> None:
    device = with_passkey(service)
    for name, value in traits.items():
        setattr(device, name, value)

    assert alone(service, device)["__typename"] == "InvalidCredentialsError"
    assert after_password(service, device)["__typename"] == "InvalidCredentialsError"


def test_for_another_domain_it_logs_nobody_in(service: Service) -> None:
    device = with_passkey(service)
    challenge_id, options = begin(service)

    elsewhere = json.dumps(json.loads(options) | {"rpId": "evil.example"})

    refused = complete(service, challenge_id, device.get(elsewhere), "PASSKEY")
    assert refused["__typename"] == "InvalidCredentialsError"


def test_another_key_under_the_same_id_logs_nobody_in(service: Service) -> None:
    device = with_passkey(service)
    forged = PasskeyDevice(credential_id=device.credential_id, user_handle=device.user_handle)

    assert alone(service, forged)["__typename"] == "InvalidCredentialsError"
    assert after_password(service, forged)["__typename"] == "InvalidCredentialsError"
    assert actions(service)[-1] == "mfa.failed"
    assert "login.failed" in actions(service)


def test_who_says_to_be_somebody_else_is_not_let_in(service: Service) -> None:
    device = with_passkey(service)
    grace = service.add_user("grace@example.com")

    refused = alone(service, device, response={"userHandle": b64(grace.id.encode())})

    assert refused["__typename"] == "InvalidCredentialsError"


def test_who_does_not_say_who_they_are_is_let_in_only_after_the_password(service: Service) -> None:
    device = with_passkey(service)
    device.user_handle = None

    assert alone(service, device)["__typename"] == "InvalidCredentialsError"
    assert after_password(service, device)["__typename"] == "LoginSuccess"


def test_anothers_passkey_does_not_follow_my_password(service: Service) -> None:
    with_passkey(service)
    grace = with_passkey(service, "grace@example.com")

    assert after_password(service, grace)["__typename"] == "InvalidCredentialsError"


def test_an_answer_is_good_for_its_challenge_only_and_once(service: Service) -> None:
    device = with_passkey(service)
    challenge_id, options = begin(service)
    other_id, _ = begin(service)
    answer = device.get(options)

    assert complete(service, other_id, answer, "PASSKEY")["__typename"] == "InvalidCredentialsError"
    assert complete(service, challenge_id, answer, "PASSKEY")["__typename"] == "LoginSuccess"
    assert complete(service, challenge_id, answer, "PASSKEY")["__typename"] == "InvalidTokenError"


def test_a_challenge_for_a_passkey_alone_is_spent_by_a_wrong_answer(service: Service) -> None:
    device = with_passkey(service)
    challenge_id, options = begin(service)

    wrong = complete(service, challenge_id, "000000", "TOTP")
    right = complete(service, challenge_id, device.get(options), "PASSKEY")

    assert (wrong["__typename"], right["__typename"]) == ("InvalidCredentialsError", "InvalidTokenError")


def test_a_challenge_for_a_passkey_alone_waits_five_minutes(service: Service) -> None:
    device = with_passkey(service)
    challenge_id, options = begin(service)
    service.clock.move(CHALLENGE_LIFE.total_seconds())

    late = complete(service, challenge_id, device.get(options), "PASSKEY")

    assert late["__typename"] == "InvalidTokenError"
    assert service.parts.forget_what_has_expired() >= 1
    assert service.rows("SELECT id_hash FROM mfa_challenges") == []


def test_one_answer_brought_many_times_at_once_opens_one_session(service: Service) -> None:
    device = with_passkey(service)
    challenge_id, options = begin(service)
    answer, sessions = device.get(options), len(service.rows("SELECT id FROM sessions"))

    outcomes = at_once(service, lambda client, _number: complete(client, challenge_id, answer, "PASSKEY"))

    assert outcomes == ["InvalidTokenError"] * (MANY - 1) + ["LoginSuccess"]
    assert len(service.rows("SELECT id FROM sessions")) == sessions + 1


def test_a_count_that_does_not_grow_tells_of_a_copy(service: Service) -> None:
    device = with_passkey(service, counts=True)
    assert alone(service, device)["__typename"] == "LoginSuccess"
    device.uses -= 1

    assert alone(service, device)["__typename"] == "InvalidCredentialsError"
    assert alone(service, device)["__typename"] == "LoginSuccess"


def test_wrong_answers_after_the_password_are_counted_with_guessed_codes(service: Service) -> None:
    device = with_passkey(service)
    for _ in range(MOST_GUESSES):
        wrong = complete(service, challenge(service), "{}", "PASSKEY")
        assert wrong["__typename"] == "InvalidCredentialsError"

    refused = after_password(service, device)
    by_itself = alone(service, device)
    service.clock.move(GUESSING_WINDOW.total_seconds())
    later = after_password(service, device)

    assert refused["__typename"] == "RateLimitedError"
    assert by_itself["__typename"] == "LoginSuccess"
    assert later["__typename"] == "LoginSuccess"


def test_a_suspended_account_is_not_let_in_by_a_passkey(service: Service) -> None:
    device = with_passkey(service)
    with service.parts.database.writing() as session:
        session.connection().exec_driver_sql("UPDATE users SET status = 'SUSPENDED'")

    assert alone(service, device)["__typename"] == "AccountDisabledError"
    assert actions(service)[-1] == "login.refused"


def test_who_has_yet_to_confirm_the_address_is_told_that(service: Service) -> None:
    device = with_passkey(service)
    asked = service.data(LOGIN, input={"email": ADA, "password": PASSWORD})
    with service.parts.database.writing() as session:
        session.connection().exec_driver_sql("UPDATE users SET status = 'PENDING_VERIFICATION'")

    by_itself = alone(service, device)
    second = complete(service, asked["challengeId"], device.get(asked["passkeyOptions"]), "PASSKEY")

    assert {by_itself["message"], second["message"]} == {
        "Confirm your e-mail address first: a mail says how."
    }


def test_logins_that_are_begun_are_bounded(service: Service) -> None:
    bounds = {**BOUNDS, Throttled.PASSKEY_LOGIN: Bounds(per_client=Bound(2, 60))}
    proxies = frozenset({ip_network("10.0.0.0/8")})
    shop = Service(replace(service.settings, trusted_proxies=proxies, bounds=bounds), service.clock)

    outcomes = [shop.data(BEGIN)["__typename"] for _ in range(3)]
    shop.close()

    assert outcomes == ["PasskeyChallenge", "PasskeyChallenge", "RateLimitedError"]
    assert actions(service)[-1] == "passkey_login.throttled"


def test_in_a_frame_of_another_site_it_logs_nobody_in(service: Service) -> None:
    device = with_passkey(service)
    device.cross_origin = True
    by_itself = alone(service, device)
    device.cross_origin, device.top_origin = False, "https://evil.example"
    with_its_name = alone(service, device)

    assert {by_itself["__typename"], with_its_name["__typename"]} == {"InvalidCredentialsError"}


def test_what_nobody_has_answered_is_forgotten_when_another_login_begins(service: Service) -> None:
    for _ in range(3):
        begin(service)
    service.clock.move(CHALLENGE_LIFE.total_seconds())

    begin(service)

    assert len(service.rows("SELECT id_hash FROM mfa_challenges")) == 1


@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_login_that_begins_waits_for_no_other(service: Service) -> None:
    for _ in range(3):
        begin(service)
    service.clock.move(CHALLENGE_LIFE.total_seconds())
    with service.parts.database.writing() as session:
        # As whoever answered one of them in the last moment.
        held = "SELECT id_hash FROM mfa_challenges ORDER BY id_hash LIMIT 1 FOR UPDATE"
        session.connection().exec_driver_sql(held)

        begin(service)

    assert len(service.rows("SELECT id_hash FROM mfa_challenges")) == 2
