"""Signing what we send, and judging what is sent to us, in the form of Standard Webhooks 1.0.0. Pure.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

_PREFIX: Final = "whsec_"
_LENGTHS: Final = range(24, 65)
_MOST_DIGITS: Final = 12
_MOST_SIGNATURES: Final = 8


def signing_key(secret: str) -> bytes:
    """The key in a secret like `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`. Raises ValueError for anything else."""
    if not secret.startswith(_PREFIX):
        raise ValueError("a signing secret begins with whsec_")
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("what follows whsec_ must be base64") from error
    if len(key) not in _LENGTHS:
        raise ValueError("a signing key has 24 to 64 bytes")
    return key


def signed_headers(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers, with a signature by each of *keys*: two are in use while one is being replaced."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(key, content) for key in keys),
    }


TOLERANCE_S: Final = 300


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: int) -> None:
    """Raises ValueError unless one of *keys* signed *body* within the last five minutes, or (clocks differ) the next."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (message_id and timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MOST_DIGITS):
        raise ValueError("the headers of a signature are missing")
    if abs(now - int(timestamp)) > TOLERANCE_S:
        raise ValueError("the signature is too old, or of a time to come")
    content = f"{message_id}.{timestamp}.".encode() + body
    made = [_signature(key, content).encode() for key in keys]
    given = [one.encode() for one in headers.get("webhook-signature", "").split()[:_MOST_SIGNATURES]]
    if not any(hmac.compare_digest(one, other) for one in made for other in given):
        raise ValueError("the signature is not one of ours")


def _signature(key: bytes, content: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
