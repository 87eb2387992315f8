"""Passwords: which ones are good enough, and their argon2id hashes.

The rules are NIST SP 800-63B-4, 3.1.1: length instead of composition, a list of common ones, no expiry.
"""

import math
import string
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import argon2
from argon2.exceptions import VerifyMismatchError

from user_subgraph.errors import FieldCode, RateLimitedError
from user_subgraph.user_input import FieldProblem

MIN_LENGTH = 12
MAX_LENGTH = 256
_DECORATION = string.digits + string.punctuation + string.whitespace
# More than this around a word is a password of its own.
_MUCH_DECORATION = 8
_WALKS = (
    "1234567890" * 26,
    string.ascii_lowercase * 10,
    "qwertyuiopasdfghjklzxcvbnm" * 10,
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
)


def strong_password(password: str, email: str | None) -> str:
    """*password* normalised, when it is fit for the account of *email*; raises `FieldProblem` otherwise."""
    password = normalised(password)
    if len(password) < MIN_LENGTH:
        raise FieldProblem(FieldCode.TOO_SHORT, f"At least {MIN_LENGTH} characters; a few words are fine.")
    if len(password) > MAX_LENGTH:
        raise FieldProblem(FieldCode.TOO_LONG, f"At most {MAX_LENGTH} characters.")
    if email and password.lower() == email:
        raise FieldProblem(FieldCode.SAME_AS_EMAIL, "The password must not be the e-mail address.")
    if _is_common(password):
        raise FieldProblem(FieldCode.TOO_COMMON, "This password is among the first ones an attacker tries.")
    return password


def normalised(password: str) -> str:
    """The same password from every keyboard: NFKC, as SP 800-63B asks for when Unicode is allowed."""
    return unicodedata.normalize("NFKC", password)


def _is_common(password: str) -> bool:
    """Few different characters, a walk along the keyboard, or a known word dressed up or said again."""
    text = password.lower()
    if len(set(text)) < 4 or any(text in walk or text in walk[::-1] for walk in _WALKS):
        return True
    words = _common_passwords()
    return text in words or any(word in words for word in _bare(text))


def _bare(text: str) -> Iterator[str]:
    """What is left of *text* without decoration at its ends, and the unit that it may only repeat."""
    word = text.strip(_DECORATION)
    if not word or len(text) - len(word) > _MUCH_DECORATION:
        return
    yield word
    # A string that repeats a unit is found inside its own double before the end.
    yield word[: (word + word).find(word, 1)]


@cache
def _common_passwords() -> frozenset[str]:
    text = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


class PasswordHashes:
    """argon2id with a bound on how many run at once: each holds `memory_kib` and a core while it works.

    A caller who waits longer than *wait_s* for a free slot gets `RateLimitedError`.
    """

    def __init__(self, hasher: argon2.PasswordHasher, *, slots: int, wait_s: float) -> None:
        self._hasher = hasher
        self._slots = threading.BoundedSemaphore(slots)
        self._wait_s = wait_s
        self._nobodys_hash = hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        with self.slot():
            return self._hasher.hash(normalised(password))

    def matches(self, password: str, stored: str | None) -> bool:
        """Whether *password* is the one behind *stored*; `None` costs the same work and never matches."""
        with self.slot():
            try:
                self._hasher.verify(stored or self._nobodys_hash, normalised(password))
            except VerifyMismatchError:
                return False
        return stored is not None

    def rehashed(self, password: str, stored: str) -> str | None:
        """A new hash when *stored* was made with other parameters than today's, else `None`."""
        return self.hash(password) if self._hasher.check_needs_rehash(stored) else None

    @contextmanager
    def slot(self) -> Iterator[None]:
        """One of the places for a hash, held inside the block."""
        if not self._slots.acquire(timeout=self._wait_s):
            raise RateLimitedError(retry_after_seconds=math.ceil(self._wait_s) or 1)
        try:
            yield
        finally:
            self._slots.release()
