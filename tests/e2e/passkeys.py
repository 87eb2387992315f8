"""Passkeys on a device in software: adding one to an account, and logging in with it."""

from typing import Any

from tests.contract.passkey_device import PasskeyDevice
from tests.e2e.client import Client

ENROLL = "mutation { enrollPasskey { ... on PasskeyEnrollment { options } } }"
CONFIRM = """mutation ($input: ConfirmPasskeyInput!) { confirmPasskey(input: $input) {
  ... on PasskeyConfirmed { recoveryCodes } ... on Error { code message } } }"""
BEGIN = "mutation { beginPasskeyLogin { ... on PasskeyChallenge { challengeId options } } }"
COMPLETE = """mutation ($input: CompleteMfaInput!) { completeMfa(input: $input) {
  ... on LoginSuccess { tokens { accessToken refreshToken } } ... on Error { code message } } }"""


def added_passkey(owner: Client, origin: str) -> tuple[PasskeyDevice, list[str]]:
    """With the recovery codes. *origin*: of a page that may ask for it, by whichever of its names."""
    device = PasskeyDevice(origin.replace("127.0.0.1", "localhost"))
    response = device.create(owner.get(ENROLL)["enrollPasskey"]["options"])
    confirmed = owner.get(CONFIRM, input={"name": "Phone", "response": response})["confirmPasskey"]
    return device, confirmed["recoveryCodes"]


def log_in_with(client: Client, device: PasskeyDevice) -> dict[str, Any]:
    """Without a password; gives what `completeMfa` has answered."""
    challenge = client.get(BEGIN)["beginPasskeyLogin"]
    answer = {
        "challengeId": challenge["challengeId"],
        "method": "PASSKEY",
        "code": device.get(challenge["options"]),
    }
    login: dict[str, Any] = client.get(COMPLETE, input=answer)["completeMfa"]
    return login
