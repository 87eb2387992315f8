"""The authenticator's codes, and those to write down."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from user_subgraph import recovery_codes
from user_subgraph.totp import STEP_S, accepted_step, new_secret, otpauth_url

# RFC 6238, appendix B: the ASCII secret 12345678901234567890; the last six of its eight digits.
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
AUTHENTICATOR = TOTP(b"12345678901234567890", 6, SHA1(), STEP_S)  # noqa: S303 - RFC 6238's own
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    assert accepted_step(SECRET, code, at(seconds), None) == seconds // STEP_S
    assert accepted_step(SECRET, f" {code[:3]} {code[3:]}", at(seconds), None) == seconds // STEP_S


@pytest.mark.parametrize(("off", "good"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_a_clock_may_be_a_step_off(off: int, good: bool) -> None:  # noqa: FBT001
    now = at(1_800_000_000)
    code = AUTHENTICATOR.generate(int(now.timestamp()) + off).decode()

    assert (accepted_step(SECRET, code, now, None) is not None) is good


def test_no_code_of_a_used_step_or_an_older_one_is_good() -> None:
    seconds, code = VECTORS[3]
    step = seconds // STEP_S

    assert accepted_step(SECRET, code, at(seconds), step - 1) == step
    assert accepted_step(SECRET, code, at(seconds), step) is None
    assert accepted_step(SECRET, code, at(seconds) + timedelta(seconds=STEP_S), step + 1) is None


@pytest.mark.parametrize(
    "code",
    ["", "28708", "2870822", "28708a", "\uff12\uff18\uff17\uff10\uff18\uff12", "287082\x00", "9" * 10_000],
)
def test_what_is_no_code_is_not_good(code: str) -> None:
    assert accepted_step(SECRET, code, at(59), None) is None


def test_secrets_differ_and_have_160_bits() -> None:
    secrets = {new_secret() for _ in range(50)}

    assert len(secrets) == 50
    assert {len(secret) for secret in secrets} == {32}


def test_apps_are_told_who_and_whose() -> None:
    url = otpauth_url(SECRET, "ada@example.com", "Shop & Sons")

    assert url.startswith("otpauth://totp/Shop%20%26%20Sons:ada%40example.com?")
    assert f"secret={SECRET}" in url
    assert "issuer=Shop%20%26%20Sons" in url


def test_recovery_codes_differ_and_forgive_handwriting() -> None:
    codes = recovery_codes.new_codes()
    by_hand = codes[0].upper().replace("-", " ").replace("0", "O").replace("1", "l")

    assert len(set(codes)) == recovery_codes.HOW_MANY
    assert {len(code) for code in codes} == {19}
    assert recovery_codes.code_hash(by_hand) == recovery_codes.code_hash(codes[0])
