"""Which passwords are good enough, and how their hashes are made."""

import threading
from concurrent.futures import ThreadPoolExecutor

import argon2
import pytest

from user_subgraph.errors import RateLimitedError
from user_subgraph.passwords import PasswordHashes, normalised, strong_password
from user_subgraph.user_input import FieldProblem

EMAIL = "ada@example.com"


@pytest.fixture
def hashes() -> PasswordHashes:
    return PasswordHashes(argon2.PasswordHasher(1, 8, 1), slots=2, wait_s=1)


@pytest.mark.parametrize(
    "password",
    [
        "a-long-enough-one",
        "correct-horse-demo",
        "twelve chars",
        "927461038264",  # no rule asks for letters
        "только кириллица",
        "  spaces count  ",
        "abc9271046382x71",
        "a b c d 9271" * 21 + "four",
    ],
)
def test_length_is_enough(password: str) -> None:
    assert strong_password(password, EMAIL) == password


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("eleven char", "TOO_SHORT"),
        ("", "TOO_SHORT"),
        ("x9" * 128 + "x", "TOO_LONG"),
        ("ada@example.com", "SAME_AS_EMAIL"),
        ("ADA@Example.com", "SAME_AS_EMAIL"),
        ("password1234", "TOO_COMMON"),
        ("Password123!", "TOO_COMMON"),
        ("!!!iloveyou!!!", "TOO_COMMON"),
        ("passwordpassword", "TOO_COMMON"),
        ("123456789012", "TOO_COMMON"),
        ("210987654321", "TOO_COMMON"),
        ("qwertyuiopas", "TOO_COMMON"),
        ("aaaaaaaaaaaa", "TOO_COMMON"),
        ("ababababababab", "TOO_COMMON"),
        ("correct horse battery staple", "TOO_COMMON"),
    ],
)
def test_weak_passwords_are_refused_with_a_reason(password: str, code: str) -> None:
    with pytest.raises(FieldProblem) as refused:
        strong_password(password, EMAIL)

    assert refused.value.code == code


def test_one_password_from_two_keyboards_is_one_password(hashes: PasswordHashes) -> None:
    composed, decomposed = "pass wörter zwölf", "pass wo\u0308rter zwo\u0308lf"

    assert composed != decomposed
    assert normalised(composed) == normalised(decomposed)
    assert hashes.matches(decomposed, hashes.hash(composed))


def test_only_the_right_password_matches(hashes: PasswordHashes) -> None:
    stored = hashes.hash("the right password")

    assert hashes.matches("the right password", stored)
    assert not hashes.matches("the wrong password", stored)


def test_nobodys_hash_never_matches(hashes: PasswordHashes) -> None:
    assert not hashes.matches("nobody has this password", None)


def test_a_hash_is_renewed_only_when_the_parameters_changed(hashes: PasswordHashes) -> None:
    stored = hashes.hash("the right password")
    stronger = PasswordHashes(argon2.PasswordHasher(2, 16, 1), slots=1, wait_s=1)

    assert hashes.rehashed("the right password", stored) is None
    renewed = stronger.rehashed("the right password", stored)
    assert renewed
    assert stronger.matches("the right password", renewed)


class Watched(argon2.PasswordHasher):
    """Knows how many hashes ran at once."""

    def __init__(self) -> None:
        super().__init__(1, 8, 1)
        self.running = self.most = 0
        self._lock = threading.Lock()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            return super().hash(password, salt=salt)
        finally:
            with self._lock:
                self.running -= 1


def test_no_more_hashes_run_at_once_than_there_are_slots() -> None:
    watched = Watched()
    hashes = PasswordHashes(watched, slots=2, wait_s=60)

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(hashes.hash, ["the right password"] * 64))) == 64

    assert watched.most <= 2


def test_who_waits_too_long_for_a_slot_is_told_when_to_come_back() -> None:
    hashes = PasswordHashes(argon2.PasswordHasher(1, 8, 1), slots=1, wait_s=0)

    with hashes.slot(), pytest.raises(RateLimitedError) as refused:
        hashes.hash("the right password")

    assert refused.value.retry_after_seconds == 1
    assert hashes.hash("the right password")
