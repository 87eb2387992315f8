"""Secrets that are random and known here by their hash only: whoever reads the database cannot use them. Pure."""

import hashlib
import secrets


def new_secret() -> str:
    """256 random bits, as 43 letters that need no escaping in an address or a header."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """SHA-256, hexadecimal: of 256 random bits a slow hash would not be harder to guess."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
