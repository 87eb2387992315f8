"""Signing what is sent, in the form of Standard Webhooks 1.0.0. Pure.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

_PREFIX = "whsec_"
_LENGTHS = range(24, 65)


def signing_key(secret: str) -> bytes:
    """The key in `whsec_` and base64; raises `ValueError` for anything else."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("what follows whsec_ must be base64") from error
    if not secret.startswith(_PREFIX) or len(key) not in _LENGTHS:
        raise ValueError("a signing secret is whsec_ and 24 to 64 bytes in base64")
    return key


def signed_headers(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """With a signature by each of *keys*: two are in use while one is being replaced."""
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
