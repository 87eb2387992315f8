"""Time-based one-time passwords (RFC 6238) as authenticator apps make them: six digits, SHA-1, 30 seconds. Pure."""

import base64
import hmac
import secrets
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_S = 30
_DIGITS = 6
# RFC 4226, section 4, R6 recommends 160 bits.
_SECRET_BYTES = 20
# The client's clock may be a step off, and people take a while to type (RFC 6238, 5.2).
_STEPS_OFF = (-1, 0, 1)


def new_secret() -> str:
    """Base32 without padding, as apps take it by hand."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def accepted_step(secret: str, code: str, now: datetime, used: int | None) -> int | None:
    """The time step that *code* belongs to, or `None` if it is not good now.

    *used*: the last step of which a code was taken. No code of that step or an earlier one is good again (RFC 6238, 5.2).
    """
    digits, generator = code.replace(" ", ""), _generator(secret)
    current = int(now.timestamp()) // STEP_S
    steps = [step for off in _STEPS_OFF if _is_newer(step := current + off, used)]
    # All are compared: how long it takes does not tell which one it was.
    good = [step for step in steps if hmac.compare_digest(generator.generate(step * STEP_S), digits.encode())]
    return good[0] if good else None


def otpauth_url(secret: str, account: str, issuer: str) -> str:
    """What apps read from a QR code. Source: https://github.com/google/google-authenticator/wiki/Key-Uri-Format"""
    # Some apps show a plus as it is written.
    return _generator(secret).get_provisioning_uri(account, issuer).replace("+", "%20")


def _is_newer(step: int, used: int | None) -> bool:
    return used is None or step > used


def _generator(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), _DIGITS, SHA1(), STEP_S)  # noqa: S303 - RFC 6238's own, and apps know no other
