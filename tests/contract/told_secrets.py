"""What must stand in no log and in no error: passwords, tokens, keys, card numbers, e-mail addresses.

The suites of all services look with this at what was logged, at what their processes wrote, and at the errors that were
answered. A finding names the place and the kind, never the secret: what a failing test prints is a log, too.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORDS = (
    "correct-horse-demo",  # of the demo accounts, and of most tests
    "a-long-enough-password",
    "another-good-password",
    "battery-staple-two",
    "a wrong password",
    "not the password",
    "password1234",
    "hunter2",
)
"""Those that tests log in with, or try to."""

PUBLIC = frozenset(
    {
        "support@stripe.com",  # Stripe's SDK says in its exceptions whom to write to
    }
)
"""What looks like a secret and is none."""


@dataclass(frozen=True)
class Secret:
    """One place in a text: the *line* counts from 1; *text* is for comparing, not for telling."""

    kind: str
    line: int
    text: str


def secrets_in(text: str) -> Iterator[Secret]:
    for number, line in enumerate(text.splitlines(), 1):
        readable = _unescaped(line)
        for kind, (pattern, fits) in _KINDS.items():
            for found in pattern.finditer(readable):
                if found[0] not in PUBLIC and fits(found[0]):
                    yield Secret(kind, number, found[0])


def findings_in(name: str, text: str) -> list[str]:
    """A sentence for each secret in *text*, which goes by *name*."""
    return [f"{name}, line {secret.line}: {secret.kind}" for secret in secrets_in(text)]


def findings_in_files(files: Iterable[Path]) -> list[str]:
    """The same of whole files, which have to be there."""
    return [finding for file in files for finding in findings_in(file.name, file.read_text(errors="replace"))]


def refuse(findings: list[str]) -> None:
    """Fails the test if there are any. Without a traceback, which would show the secret among the arguments."""
    if findings:
        some = "\n".join(sorted(set(findings))[:50])
        pytest.fail(f"Secrets were told:\n{some}", pytrace=False)


def _unescaped(line: str) -> str:
    r"""A JSON line with spaces for its `\n` and `\"`, so that what stands next to them has its borders."""
    return re.sub(r"\\+[nrt\"]", " ", line)


def _always(_found: str) -> bool:
    return True


def _looks_random(found: str) -> bool:
    """Not a path or a long name: of 43 random characters, hardly ever a kind is missing."""
    return all(
        any(is_kind(letter) for letter in found) for is_kind in (str.isupper, str.islower, str.isdigit)
    )


def _has_letter_and_digit(found: str) -> bool:
    return any(map(str.isalpha, found)) and any(map(str.isdigit, found))


def _is_card_number(found: str) -> bool:
    """By ISO/IEC 7812's check digit (Luhn). Numbers of cards begin with 2 to 6, times since 1970 with 1."""
    digits = [int(letter) for letter in found if letter.isdigit()]
    if not (13 <= len(digits) <= 19 and 2 <= digits[0] <= 6):
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[::-2]) + sum(doubled)) % 10 == 0


_KINDS: dict[str, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "a JSON Web Token": (re.compile(r"eyJ[\w-]{10,}\.[\w-]{4,}"), _always),
    # secrets.token_urlsafe(32): refresh tokens, mailed tokens and, after `mfa_`, challenges of the second factor
    "a token of ours": (re.compile(r"(?<![\w/+-])(?:mfa_)?[\w-]{43}(?![\w/+=-])", re.ASCII), _looks_random),
    "a password": (re.compile("|".join(map(re.escape, PASSWORDS))), _always),
    "a hash of a password": (re.compile(r"\$argon2\w+\$"), _always),
    "a key of Stripe's API": (re.compile(r"\b[sr]k_(?:test|live)_\w+"), _always),
    "a secret of a webhook": (re.compile(r"\bwhsec_[\w+/=-]+"), _always),
    "a client secret": (re.compile(r"\b(?:pi|seti|cuss)_\w+_secret_\w+"), _always),
    "a private key": (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"), _always),
    "a password in an address": (re.compile(r"\w://[^\s/:@]*:[^\s/@]+@"), _always),
    "a card number": (re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])"), _is_card_number),
    "an e-mail address": (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}"), _always),
    "a secret of an authenticator": (re.compile(r"\b[A-Z2-7]{32}\b|otpauth://\w+"), _always),
    "a recovery code": (
        re.compile(r"(?<![\w-])[0-9a-hjkmnp-tv-z]{4}(?:-[0-9a-hjkmnp-tv-z]{4}){3}(?![\w-])"),
        _has_letter_and_digit,
    ),
}
