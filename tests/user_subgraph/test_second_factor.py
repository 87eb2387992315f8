"""Authenticators and recovery codes: enabling one, logging in with it, losing it."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from tests.user_subgraph.service import ERROR, LOGIN, PASSWORD, Service, field_errors
from tests.user_subgraph.test_at_the_same_time import MANY, at_once
from user_subgraph.mfa import CHALLENGE_LIFE, GUESSING_WINDOW, MOST_GUESSES

ADA = "ada@example.com"
CHALLENGE = f"""mutation ($input: LoginInput!) {{ login(input: $input) {{ __typename {ERROR}
  ... on MfaRequiredError {{ challengeId methods }} }} }}"""
COMPLETE = f"""mutation ($input: CompleteMfaInput!) {{ completeMfa(input: $input) {{ __typename {ERROR}
  ... on LoginSuccess {{ user {{ id mfaEnabled }} tokens {{ accessToken refreshToken scope }} }}
  ... on RateLimitedError {{ retryAfterSeconds }} }} }}"""
ENROLL = f"mutation {{ enrollTotp {{ __typename ... on TotpEnrollment {{ secret otpauthUrl }} {ERROR} }} }}"
CONFIRM = f"""mutation ($code: String!) {{ confirmTotp(code: $code) {{ __typename {ERROR}
  ... on TotpConfirmed {{ recoveryCodes }}
  ... on ValidationError {{ fields {{ path code message }} }} }} }}"""
DISABLE = f"mutation ($code: String!) {{ disableTotp(code: $code) {{ __typename {ERROR} }} }}"
MFA_ENABLED = "{ me { mfaEnabled } }"
CHANGE = f"""mutation ($old: String!, $new: String!) {{
  changePassword(input: {{currentPassword: $old, newPassword: $new}}) {{ __typename {ERROR} }} }}"""


def code_of(service: Service, secret: str) -> str:
    seconds = int(service.clock.now.timestamp())
    authenticator = TOTP(base64.b32decode(secret), 6, SHA1(), 30)  # noqa: S303 - RFC 6238's own
    return authenticator.generate(seconds).decode()


def enabled(service: Service, email: str = ADA) -> tuple[str, list[str]]:
    """The secret and the recovery codes of a new user; one step later, so that its code is a new one."""
    token = service.token_of(email)
    secret = service.data(ENROLL, token)["secret"]
    codes = service.data(CONFIRM, token, code=code_of(service, secret))["recoveryCodes"]
    service.clock.move(30)
    return secret, codes


def challenge(service: Service, email: str = ADA, **asked: Any) -> str:
    result = service.data(CHALLENGE, input={"email": email, "password": PASSWORD, **asked})
    assert result["__typename"] == "MfaRequiredError", result
    challenge_id: str = result["challengeId"]
    return challenge_id


def complete(service: Service, challenge_id: str, code: str, method: str = "TOTP") -> dict[str, Any]:
    given = {"challengeId": challenge_id, "method": method, "code": code}
    result: dict[str, Any] = service.data(COMPLETE, input=given)
    return result


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return decoded


def actions(service: Service) -> list[str]:
    return [row["action"] for row in service.rows("SELECT action FROM audit_events ORDER BY id")]


def test_enabling_takes_a_code_of_the_secret_that_was_shown(service: Service) -> None:
    token = service.token_of(ADA)

    shown = service.data(ENROLL, token)
    before = service.data(MFA_ENABLED, token)
    wrong = service.data(CONFIRM, token, code="000000")
    confirmed = service.data(CONFIRM, token, code=code_of(service, shown["secret"]))

    assert shown["otpauthUrl"].startswith("otpauth://totp/")
    assert shown["secret"] in shown["otpauthUrl"]
    assert before == {"mfaEnabled": False}
    assert field_errors(wrong) == {("code", "INVALID")}
    assert len(set(confirmed["recoveryCodes"])) == 10
    assert service.data(MFA_ENABLED, token) == {"mfaEnabled": True}
    assert actions(service)[-1] == "mfa.enabled"


def test_without_an_enrolment_nothing_is_confirmed(service: Service) -> None:
    token = service.token_of(ADA)

    assert field_errors(service.data(CONFIRM, token, code="123456")) == {("code", "INVALID")}
    assert service.data(MFA_ENABLED, token) == {"mfaEnabled": False}


def test_an_enrolment_that_is_not_confirmed_asks_for_nothing_at_login(service: Service) -> None:
    service.data(ENROLL, service.token_of(ADA))

    assert service.log_in(ADA).access


def test_the_password_alone_opens_no_session(service: Service) -> None:
    enabled(service)
    sessions = service.rows("SELECT id FROM sessions")

    result = service.data(CHALLENGE, input={"email": ADA, "password": PASSWORD})

    assert (result["__typename"], result["code"]) == ("MfaRequiredError", "MFA_REQUIRED")
    assert result["methods"] == ["TOTP", "RECOVERY_CODE"]
    assert result["message"] == "Use a code of your authenticator or one of your recovery codes."
    assert service.rows("SELECT id FROM sessions") == sessions
    assert actions(service)[-1] == "login.challenged"


def test_a_wrong_password_is_told_alike_with_and_without_a_second_factor(service: Service) -> None:
    enabled(service)
    service.add_user("grace@example.com")
    wrong = {"password": "not the password"}

    ada, grace = (
        service.data(LOGIN, input={"email": email, **wrong}) for email in (ADA, "grace@example.com")
    )

    assert ada == grace
    assert ada["__typename"] == "InvalidCredentialsError"


def test_a_code_ends_the_login(service: Service) -> None:
    secret, _ = enabled(service)

    result = complete(service, challenge(service, scopes=["profile:read"]), code_of(service, secret))

    assert result["__typename"] == "LoginSuccess"
    assert result["user"]["mfaEnabled"] is True
    assert result["tokens"]["scope"] == "profile:read"
    told = claims(result["tokens"]["accessToken"])
    assert told["amr"] == ["pwd", "otp", "mfa"]
    assert told["auth_time"] == int(service.clock.now.timestamp())
    assert service.data(MFA_ENABLED, result["tokens"]["accessToken"]) == {"mfaEnabled": True}


def test_a_refreshed_token_says_how_the_session_began(service: Service) -> None:
    secret, _ = enabled(service)
    tokens = complete(service, challenge(service), code_of(service, secret))["tokens"]
    service.clock.move(300)

    refreshed = service.refresh(tokens["refreshToken"])["tokens"]

    told, first = claims(refreshed["accessToken"]), claims(tokens["accessToken"])
    assert (told["amr"], told["auth_time"]) == (first["amr"], first["auth_time"])


def test_a_code_is_good_once(service: Service) -> None:
    secret, _ = enabled(service)
    code = code_of(service, secret)
    first, second = challenge(service), challenge(service)

    assert complete(service, first, code)["__typename"] == "LoginSuccess"
    again = complete(service, second, code)

    assert (again["__typename"], again["code"]) == ("InvalidCredentialsError", "INVALID_CREDENTIALS")
    assert again["message"] == "The code is wrong, or it was used before."
    assert actions(service)[-1] == "mfa.failed"


def test_the_code_that_confirmed_is_used_up_too(service: Service) -> None:
    token = service.token_of(ADA)
    secret = service.data(ENROLL, token)["secret"]
    code = code_of(service, secret)
    service.data(CONFIRM, token, code=code)

    assert complete(service, challenge(service), code)["__typename"] == "InvalidCredentialsError"


def test_a_challenge_is_answered_once(service: Service) -> None:
    secret, _ = enabled(service)
    asked = challenge(service)
    complete(service, asked, code_of(service, secret))
    service.clock.move(30)

    assert complete(service, asked, code_of(service, secret))["__typename"] == "InvalidTokenError"


@pytest.mark.parametrize("asked", ["", "mfa_unknown", "x" * 10_000, "mfa_\x00"])
def test_an_unknown_challenge_is_no_login(service: Service, asked: str) -> None:
    secret, _ = enabled(service)

    assert complete(service, asked, code_of(service, secret))["__typename"] == "InvalidTokenError"


def test_a_challenge_waits_five_minutes(service: Service) -> None:
    secret, _ = enabled(service)
    asked = challenge(service)
    service.clock.move(CHALLENGE_LIFE.total_seconds())

    assert complete(service, asked, code_of(service, secret))["__typename"] == "InvalidTokenError"
    assert challenge(service)
    assert len(service.rows("SELECT id_hash FROM mfa_challenges")) == 1


def test_a_recovery_code_is_good_once(service: Service) -> None:
    _, codes = enabled(service)

    first = complete(service, challenge(service), codes[0].upper(), "RECOVERY_CODE")
    again = complete(service, challenge(service), codes[0], "RECOVERY_CODE")
    another = complete(service, challenge(service), codes[1], "RECOVERY_CODE")

    assert claims(first["tokens"]["accessToken"])["amr"] == ["pwd", "mfa"]
    assert again["__typename"] == "InvalidCredentialsError"
    assert another["__typename"] == "LoginSuccess"
    assert actions(service).count("recovery_code.used") == 2


def test_anothers_codes_are_worth_nothing(service: Service) -> None:
    enabled(service)
    secret, codes = enabled(service, "grace@example.com")

    asked = challenge(service)

    assert complete(service, asked, codes[0], "RECOVERY_CODE")["__typename"] == "InvalidCredentialsError"
    assert complete(service, asked, code_of(service, secret))["__typename"] == "InvalidCredentialsError"


def test_who_guesses_has_to_wait_with_any_challenge(service: Service) -> None:
    secret, codes = enabled(service)
    for _ in range(MOST_GUESSES):
        assert complete(service, challenge(service), "000000")["__typename"] == "InvalidCredentialsError"

    refused = complete(service, challenge(service), code_of(service, secret))
    recovery = complete(service, challenge(service), codes[0], "RECOVERY_CODE")
    service.clock.move(GUESSING_WINDOW.total_seconds())
    later = complete(service, challenge(service), code_of(service, secret))

    assert (refused["__typename"], refused["retryAfterSeconds"]) == ("RateLimitedError", 900)
    assert recovery["__typename"] == "RateLimitedError"
    assert later["__typename"] == "LoginSuccess"


def test_a_login_forgives_earlier_guesses(service: Service) -> None:
    secret, _ = enabled(service)
    for _ in range(3):
        for _ in range(MOST_GUESSES - 1):
            complete(service, challenge(service), "000000")
        assert complete(service, challenge(service), code_of(service, secret))["__typename"] == "LoginSuccess"
        service.clock.move(30)


def test_guesses_at_the_same_moment_are_all_counted(service: Service) -> None:
    enabled(service)
    asked = [challenge(service) for _ in range(MANY)]

    outcomes = at_once(service, lambda client, number: complete(client, asked[number], "000000"))

    assert outcomes == ["InvalidCredentialsError"] * MOST_GUESSES + ["RateLimitedError"] * (
        MANY - MOST_GUESSES
    )


def test_one_code_brought_many_times_at_once_opens_one_session(service: Service) -> None:
    secret, _ = enabled(service)
    asked = [challenge(service) for _ in range(MANY)]
    sessions, code = len(service.rows("SELECT id FROM sessions")), code_of(service, secret)

    outcomes = at_once(service, lambda client, number: complete(client, asked[number], code))

    assert outcomes.count("LoginSuccess") == 1
    assert len(service.rows("SELECT id FROM sessions")) == sessions + 1


def test_one_challenge_answered_many_times_at_once_opens_one_session(service: Service) -> None:
    _, codes = enabled(service)
    asked, sessions = challenge(service), len(service.rows("SELECT id FROM sessions"))

    outcomes = at_once(
        service, lambda client, number: complete(client, asked, codes[number], "RECOVERY_CODE")
    )

    assert outcomes == ["InvalidTokenError"] * (MANY - 1) + ["LoginSuccess"]
    assert len(service.rows("SELECT id FROM sessions")) == sessions + 1
    assert len(service.rows("SELECT code_hash FROM recovery_codes WHERE used_at IS NOT NULL")) == 1


def test_a_suspended_account_is_not_let_in_by_a_code(service: Service) -> None:
    secret, _ = enabled(service)
    asked = challenge(service)
    with service.parts.database.writing() as session:
        session.connection().exec_driver_sql("UPDATE users SET status = 'SUSPENDED'")

    assert complete(service, asked, code_of(service, secret))["__typename"] == "AccountDisabledError"


def test_disabling_takes_a_code_and_forgets_all(service: Service) -> None:
    secret, codes = enabled(service)
    token = complete(service, challenge(service), code_of(service, secret))["tokens"]["accessToken"]

    wrong = service.data(DISABLE, token, code="000000")
    disabled = service.data(DISABLE, token, code=codes[0])

    assert wrong["__typename"] == "InvalidCredentialsError"
    assert disabled["__typename"] == "AcceptedSuccess"
    assert service.log_in(ADA).access
    assert [service.rows(f"SELECT * FROM {table}") for table in ("totp", "recovery_codes")] == [[], []]  # noqa: S608
    assert "mfa.disabled" in actions(service)


def test_what_could_cost_the_account_needs_a_fresh_login(service: Service) -> None:
    token = service.token_of(ADA)
    service.clock.move(599)
    assert service.data(ENROLL, token)["__typename"] == "TotpEnrollment"
    refresh = service.log_in(ADA).refresh
    service.clock.move(service.settings.fresh_login_s)

    old = service.refresh(refresh)["tokens"]["accessToken"]
    refused = service.data(ENROLL, old)

    assert (refused["__typename"], refused["code"]) == (
        "ReauthenticationRequiredError",
        "REAUTHENTICATION_REQUIRED",
    )
    assert service.data(DISABLE, old, code="000000")["__typename"] == "ReauthenticationRequiredError"


def test_a_session_without_the_second_factor_cannot_take_it_away(service: Service) -> None:
    """Not even the one in which it was enabled: whoever sits there now has to show it."""
    service.add_user(ADA)
    owner = service.log_in(ADA).access
    secret = service.data(ENROLL, owner)["secret"]
    codes = service.data(CONFIRM, owner, code=code_of(service, secret))["recoveryCodes"]

    assert service.data(DISABLE, owner, code=codes[0])["__typename"] == "ReauthenticationRequiredError"
    assert service.data(ENROLL, owner)["__typename"] == "ReauthenticationRequiredError"
    assert service.data(MFA_ENABLED, owner) == {"mfaEnabled": True}


def test_enabling_it_ends_the_sessions_that_were_opened_without_it(service: Service) -> None:
    service.add_user(ADA)
    thief, owner = service.log_in(ADA), service.log_in(ADA).access
    secret = service.data(ENROLL, owner)["secret"]

    service.data(CONFIRM, owner, code=code_of(service, secret))

    assert service.refusal(MFA_ENABLED, thief.access)["code"] == "UNAUTHENTICATED"
    assert service.refresh(thief.refresh)["code"] == "INVALID_TOKEN"
    assert service.data(MFA_ENABLED, owner) == {"mfaEnabled": True}


def test_guesses_at_an_enrolment_are_bounded_and_recorded(service: Service) -> None:
    token = service.token_of(ADA)
    secret = service.data(ENROLL, token)["secret"]
    for _ in range(MOST_GUESSES):
        assert service.data(CONFIRM, token, code="000000")["__typename"] == "ValidationError"

    refused = service.data(CONFIRM, token, code=code_of(service, secret))

    assert (refused["__typename"], refused["code"]) == ("RateLimitedError", "RATE_LIMITED")
    assert actions(service).count("mfa.failed") == MOST_GUESSES
    assert service.data(MFA_ENABLED, token) == {"mfaEnabled": False}


def test_who_has_a_stale_session_confirms_no_enrolment(service: Service) -> None:
    service.add_user(ADA)
    tokens = service.log_in(ADA)
    secret = service.data(ENROLL, tokens.access)["secret"]
    service.clock.move(service.settings.fresh_login_s)
    old = service.refresh(tokens.refresh)["tokens"]["accessToken"]

    refused = service.data(CONFIRM, old, code=code_of(service, secret))

    assert refused["__typename"] == "ReauthenticationRequiredError"


def test_a_new_password_ends_an_enrolment_that_was_not_confirmed(service: Service) -> None:
    token = service.token_of(ADA)
    secret = service.data(ENROLL, token)["secret"]
    service.data(CHANGE, token, old=PASSWORD, new="another-horse-demo")

    assert field_errors(service.data(CONFIRM, token, code=code_of(service, secret))) == {("code", "INVALID")}


def test_a_new_device_replaces_the_old_when_it_is_confirmed(service: Service) -> None:
    old, old_codes = enabled(service)
    token = complete(service, challenge(service), code_of(service, old))["tokens"]["accessToken"]
    new = service.data(ENROLL, token)["secret"]
    service.clock.move(30)
    still_old = complete(service, challenge(service), code_of(service, old))
    service.data(CONFIRM, token, code=code_of(service, new))
    service.clock.move(30)

    assert still_old["__typename"] == "LoginSuccess"
    asked = challenge(service)
    assert complete(service, asked, code_of(service, old))["__typename"] == "InvalidCredentialsError"
    assert complete(service, asked, old_codes[0], "RECOVERY_CODE")["__typename"] == "InvalidCredentialsError"
    assert complete(service, asked, code_of(service, new))["__typename"] == "LoginSuccess"


def test_the_operator_takes_it_away_from_who_has_lost_all(service: Service) -> None:
    enabled(service)
    before = service.rows("SELECT id FROM sessions WHERE revoked_at IS NULL")

    taken = service.parts.second_factor.take_away(ADA)

    assert (taken, service.parts.second_factor.take_away(ADA)) == (True, False)
    assert before
    assert service.rows("SELECT id FROM sessions WHERE revoked_at IS NULL") == []
    assert service.log_in(ADA).access
    assert actions(service)[-2] == "mfa.disabled"


def test_nothing_of_it_can_be_read_where_it_is_stored(service: Service) -> None:
    """But for the secret itself: codes are made from it."""
    _, codes = enabled(service)
    asked = challenge(service)
    stored = str([service.rows(f"SELECT * FROM {table}") for table in ("recovery_codes", "mfa_challenges")])  # noqa: S608

    assert asked not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)


def test_the_name_in_the_app_is_a_setting(service: Service) -> None:
    shop = Service(replace(service.settings, mfa_issuer="Ada's shop"))

    shown = shop.data(ENROLL, shop.token_of(ADA))
    shop.close()

    assert "issuer=Ada%27s%20shop" in shown["otpauthUrl"]


def test_who_leaves_needs_the_second_factor_and_takes_it_along(service: Service) -> None:
    leave = f"""mutation ($password: String!) {{
      deleteMyAccount(currentPassword: $password) {{ __typename {ERROR} }} }}"""
    old = service.token_of(ADA)
    secret = service.data(ENROLL, old)["secret"]
    service.data(CONFIRM, old, code=code_of(service, secret))
    service.clock.move(30)
    token = complete(service, challenge(service), code_of(service, secret))["tokens"]["accessToken"]
    challenge(service)

    refused = service.data(leave, old, password=PASSWORD)
    gone = service.data(leave, token, password=PASSWORD)

    assert refused["__typename"] == "ReauthenticationRequiredError"
    assert gone["__typename"] == "DeleteUserSuccess"
    left = service.everything()
    assert [left[table] for table in ("totp", "recovery_codes", "mfa_challenges")] == [[], [], []]
    assert not left["users"][0]["mfa_enabled"]


def test_a_new_password_needs_the_second_factor_too(service: Service) -> None:
    old = service.token_of(ADA)
    secret = service.data(ENROLL, old)["secret"]
    service.data(CONFIRM, old, code=code_of(service, secret))
    service.clock.move(30)
    token = complete(service, challenge(service), code_of(service, secret))["tokens"]["accessToken"]

    refused = service.data(CHANGE, old, old=PASSWORD, new="another-horse-demo")
    changed = service.data(CHANGE, token, old=PASSWORD, new="another-horse-demo")

    assert refused["__typename"] == "ReauthenticationRequiredError"
    assert changed["__typename"] == "AcceptedSuccess"


def test_a_challenge_by_the_old_password_is_worth_nothing(service: Service) -> None:
    secret, _ = enabled(service)
    token = complete(service, challenge(service), code_of(service, secret))["tokens"]["accessToken"]
    asked = challenge(service)
    service.data(CHANGE, token, old=PASSWORD, new="another-horse-demo")
    service.clock.move(30)

    assert complete(service, asked, code_of(service, secret))["__typename"] == "InvalidTokenError"
