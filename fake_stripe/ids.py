"""Identifiers in Stripe's form: a prefix that names the kind, then random letters and digits."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """`pi_3MtwBwLkdIwHu7ix28a3tqPa` for the prefix `pi`."""
    return f"{prefix}_3{random_text(23)}"


def new_request_id() -> str:
    """The value of a `Request-Id` header."""
    return f"req_{random_text(14)}"


def client_secret(payment_intent_id: str) -> str:
    """What lets a browser finish this payment intent, and only this one."""
    return f"{payment_intent_id}_secret_{random_text(25)}"


def random_text(length: int) -> str:
    """Letters and digits nobody can guess."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
