"""Somebody with a passkey: how they add it, and log in with it."""

from typing import Any

from tests.contract.passkey_device import PasskeyDevice
from tests.user_subgraph.service import ERROR, PASSWORD, Service
from tests.user_subgraph.test_second_factor import (
    ADA,
    complete,
)

BEGIN = f"""mutation ($scopes: [String!]) {{ beginPasskeyLogin(scopes: $scopes) {{ __typename {ERROR}
  ... on PasskeyChallenge {{ challengeId options }} }} }}"""
LOGIN = f"""mutation ($input: LoginInput!) {{ login(input: $input) {{ __typename {ERROR}
  ... on MfaRequiredError {{ challengeId methods passkeyOptions }} }} }}"""
ENROLL_PASSKEY = f"""mutation {{ enrollPasskey {{ __typename {ERROR} ... on PasskeyEnrollment {{ options }}
  ... on ValidationError {{ fields {{ path code message }} }} }} }}"""
CONFIRM_PASSKEY = f"""mutation ($input: ConfirmPasskeyInput!) {{ confirmPasskey(input: $input) {{ __typename {ERROR}
  ... on PasskeyConfirmed {{ passkey {{ id name createdAt lastUsedAt }} recoveryCodes }}
  ... on ValidationError {{ fields {{ path code message }} }} }} }}"""
REMOVE = f"mutation ($id: ID!) {{ removePasskey(id: $id) {{ __typename {ERROR} }} }}"
PASSKEYS = "{ me { passkeys { id name createdAt lastUsedAt } } }"


def confirmed(service: Service, token: str, device: PasskeyDevice, name: str = "Phone") -> dict[str, Any]:
    options = service.data(ENROLL_PASSKEY, token)["options"]
    given = {"name": name, "response": device.create(options)}
    result: dict[str, Any] = service.data(CONFIRM_PASSKEY, token, input=given)
    assert result["__typename"] == "PasskeyConfirmed", result
    return result


def with_passkey(service: Service, email: str = ADA, **traits: Any) -> PasskeyDevice:
    """The device of a new user."""
    device = PasskeyDevice(**traits)
    confirmed(service, service.token_of(email), device)
    return device


def begin(service: Service, **asked: Any) -> tuple[str, str]:
    result = service.data(BEGIN, **asked)
    assert result["__typename"] == "PasskeyChallenge", result
    return result["challengeId"], result["options"]


def alone(service: Service, device: PasskeyDevice, **changes: Any) -> dict[str, Any]:
    """The answer to a login without a password."""
    challenge_id, options = begin(service)
    return complete(service, challenge_id, device.get(options, **changes), "PASSKEY")


def after_password(service: Service, device: PasskeyDevice, email: str = ADA) -> dict[str, Any]:
    asked = service.data(LOGIN, input={"email": email, "password": PASSWORD})
    return complete(service, asked["challengeId"], device.get(asked["passkeyOptions"]), "PASSKEY")


def token_by_passkey(service: Service, device: PasskeyDevice) -> str:
    token: str = alone(service, device)["tokens"]["accessToken"]
    return token


NOT_OF_A_DEVICE = [
    "", "null", "[]", "{}", '{"id": 1}', "[" * 10_000, "{" * 16_000, '{"id":"' + "a" * 20_000 + '"}', r'{"id": "\udc00"}',
    '{"id":"AA","rawId":"AA","type":"public-key","response":{}}',
    '{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}',
    '{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"W10","authenticatorData":"AA","signature":"AA"}}',
]  # fmt: skip
