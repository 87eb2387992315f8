"""Codes to write down, each good once: for who has lost the device with the authenticator. Pure."""

import hashlib
import secrets

HOW_MANY = 10
_GROUPS, _GROUP = 4, 4
# Crockford's base 32: no letter that is taken for a digit. 16 of them are 80 bits, so that a fast hash is enough.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TAKEN_FOR = str.maketrans({"o": "0", "i": "1", "l": "1", "-": None, " ": None})


def new_codes() -> tuple[str, ...]:
    return tuple(_new_code() for _ in range(HOW_MANY))


def code_hash(code: str) -> str:
    """What is stored. Written by hand, a code may come back in capitals, without its dashes, or with an O for a 0."""
    return hashlib.sha256(code.lower().translate(_TAKEN_FOR).encode()).hexdigest()


def how_many_are_left(left: int) -> str:
    return f"{left} of {HOW_MANY}"


def _new_code() -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
