"""Whether a message is from the payment service: Standard Webhooks, by the standard library alone.

The package `standardwebhooks` does the same, for many languages.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping

TOLERANCE_S = 300


class Forged(Exception):
    """Not signed with our secret, or not now."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """The message's id. *body* as it came: whoever parses and writes JSON anew has another."""
    message_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (sent_at.isascii() and sent_at.isdigit()) or abs(now - int(sent_at)) > TOLERANCE_S:
        raise Forged("the timestamp is missing, old, or of the future")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{sent_at}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    given = headers.get("webhook-signature", "").encode().split(b" ")  # several, while a secret is replaced
    if not any(hmac.compare_digest(expected, one) for one in given):
        raise Forged("the signature is not ours")
    return message_id
