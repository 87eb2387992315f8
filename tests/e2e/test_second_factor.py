"""A second factor through the gateway: enabled, asked for, proved, lost."""

from typing import Any

from tests.e2e.authenticator import Authenticator
from tests.e2e.client import LOGIN, Client
from tests.e2e.mails import confirmed_customer
from tests.e2e.running_system import RunningSystem

PASSWORD = "a-long-enough-password"
ME = "{ me { email mfaEnabled payments { nodes { id } } } }"
ENROLL = "mutation { enrollTotp { ... on TotpEnrollment { secret otpauthUrl } } }"
CONFIRM = "mutation ($code: String!) { confirmTotp(code: $code) { ... on TotpConfirmed { recoveryCodes } } }"
CHALLENGE = """mutation ($input: LoginInput!) { login(input: $input) {
  ... on MfaRequiredError { code challengeId methods } } }"""
COMPLETE = """mutation ($input: CompleteMfaInput!) { completeMfa(input: $input) { __typename
  ... on LoginSuccess { tokens { accessToken } user { email } } ... on Error { code } } }"""


def enabled(customer: Client) -> tuple[Authenticator, list[str]]:
    """The customer's authenticator and recovery codes."""
    authenticator = Authenticator(customer.get(ENROLL)["enrollTotp"]["secret"])
    confirmed = customer.get(CONFIRM, code=authenticator.new_code())["confirmTotp"]
    return authenticator, confirmed["recoveryCodes"]


def completed(anonymous: Client, email: str, method: str, code: str) -> dict[str, Any]:
    asked = anonymous.get(CHALLENGE, input={"email": email, "password": PASSWORD})["login"]
    given = {"challengeId": asked["challengeId"], "method": method, "code": code}
    result: dict[str, Any] = anonymous.get(COMPLETE, input=given)["completeMfa"]
    return result


def test_a_login_asks_for_the_second_factor_and_then_gives_tokens(
    system: RunningSystem, anonymous: Client
) -> None:
    email, customer = confirmed_customer(system)
    authenticator, recovery_codes = enabled(customer)

    password_alone = anonymous.get(LOGIN, input={"email": email, "password": PASSWORD})["login"]
    by_code = completed(anonymous, email, "TOTP", authenticator.new_code())
    by_recovery_code = completed(anonymous, email, "RECOVERY_CODE", recovery_codes[3])
    used = completed(anonymous, email, "RECOVERY_CODE", recovery_codes[3])

    assert password_alone["code"] == "MFA_REQUIRED"
    assert by_code["user"] == {"email": email}
    assert by_recovery_code["__typename"] == "LoginSuccess"
    assert used["code"] == "INVALID_CREDENTIALS"
    me = Client(anonymous.url, by_code["tokens"]["accessToken"]).get(ME)["me"]
    assert me == {"email": email, "mfaEnabled": True, "payments": {"nodes": []}}
