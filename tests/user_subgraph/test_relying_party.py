"""What strangers may send as the answer of a device: it is good, or it is not, and nothing else happens."""

import base64
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest

from tests.contract.passkey_device import ORIGIN, PasskeyDevice, b64
from user_subgraph.errors import PasskeyNotGood
from user_subgraph.passkey import Credential, Passkey, new_passkey
from user_subgraph.relying_party import RelyingParty, credential_id_of
from user_subgraph.user import Role, User, UserId, UserStatus

NOW = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
SHOP = RelyingParty("localhost", "Shop", (ORIGIN,))
CHALLENGE = b"c" * 32
ADA = UserId("usr_01")
MANY = 3_000
ODD: list[Any] = [None, True, 0, -1, 2**64, 1e300, "", "x", "A" * 40, [], {}, [[]], {"a": 1}, "é", "\x00"]


def ada() -> User:
    return User(
        id=ADA,
        email="ada@example.com",
        email_verified=True,
        first_name=None,
        last_name=None,
        display_name=None,
        phone=None,
        locale=None,
        status=UserStatus.ACTIVE,
        roles=frozenset({Role.CUSTOMER}),
        created_at=NOW,
        updated_at=NOW,
        last_login_at=None,
        deleted_at=None,
        version=1,
        mfa_enabled=False,
    )


def added(device: PasskeyDevice) -> Passkey:
    response = device.create(SHOP.creation_options(ada(), [], CHALLENGE))
    return new_passkey(ADA, "Phone", SHOP.created(response, CHALLENGE), NOW)


def is_good(judge: Callable[[], object]) -> bool:
    """Nothing else may come of it."""
    try:
        judge()
    except PasskeyNotGood:
        return False
    return True


def test_what_is_stored_of_one_is_what_its_answers_are_judged_by() -> None:
    device = PasskeyDevice(counts=True)
    passkey = added(device)

    answer = device.get(SHOP.request_options([passkey], CHALLENGE))

    assert passkey.credential == Credential(
        device.credential_id, passkey.credential.public_key, 1, ("hybrid", "internal")
    )
    assert credential_id_of(answer) == device.credential_id
    assert SHOP.new_sign_count(answer, passkey, CHALLENGE) == 2


def test_another_challenge_is_not_answered_by_it() -> None:
    device = PasskeyDevice()
    passkey = added(device)
    answer = device.get(SHOP.request_options([passkey], CHALLENGE))

    with pytest.raises(PasskeyNotGood):
        SHOP.new_sign_count(answer, passkey, b"another")
    with pytest.raises(PasskeyNotGood):
        SHOP.created(device.create(SHOP.creation_options(ada(), [], CHALLENGE)), b"another")


def test_pages_of_every_origin_are_good_and_no_others() -> None:
    shop = RelyingParty("example.com", "Shop", ("https://example.com", "https://pay.example.com"))
    options = shop.creation_options(ada(), [], CHALLENGE)

    good = {
        origin: is_good(lambda origin=origin: shop.created(PasskeyDevice(origin).create(options), CHALLENGE))
        for origin in ("https://example.com", "https://pay.example.com", "https://evil.example.com")
    }

    assert list(good.values()) == [True, True, False]


def with_something_odd(rng: random.Random, value: Any) -> Any:
    """*value*, in which one place holds something else, is missing, or is there twice."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        name = rng.choice(list(value))
        if rng.random() < 0.2:
            return {other: kept for other, kept in value.items() if other != name}
        return value | {name: with_something_odd(rng, value[name])}
    if isinstance(value, str) and value and rng.random() < 0.5:
        return b64(with_other_bytes(rng, unb64(value))) if rng.random() < 0.9 else value * 2
    return rng.choice(ODD)


def with_other_bytes(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(changed)) if changed else 0
        match rng.randrange(3):
            case 0 if changed:
                changed[place] = rng.randrange(256)
            case 1:
                changed[place:place] = rng.randbytes(rng.randint(1, 4))
            case _:
                del changed[place : place + rng.randint(1, 40)]
    return bytes(changed)


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_of_odd_answers_to_a_login_none_is_good() -> None:
    rng, device = random.Random(20261129), PasskeyDevice()
    passkey = added(device)
    answer = json.loads(device.get(SHOP.request_options([], CHALLENGE)))
    signed = {name: answer["response"][name] for name in ("clientDataJSON", "authenticatorData", "signature")}

    for _ in range(MANY):
        odd = with_something_odd(rng, answer)
        text = json.dumps(odd)
        if is_good(lambda text=text: SHOP.new_sign_count(text, passkey, CHALLENGE)):
            assert {name: unb64(odd["response"][name]) for name in signed} == {
                name: unb64(signed[name]) for name in signed
            }
        is_good(lambda text=text: credential_id_of(text))


def test_odd_answers_to_an_enrolment_are_good_or_not_and_do_nothing_else() -> None:
    rng, device = random.Random(20261130), PasskeyDevice()
    options = SHOP.creation_options(ada(), [], CHALLENGE)

    refused = 0
    for number in range(MANY):
        answer = json.loads(device.create(options))
        if number % 2:
            inside = cbor2.loads(unb64(answer["response"]["attestationObject"]))
            inside["authData"] = with_other_bytes(rng, inside["authData"])
            answer["response"]["attestationObject"] = b64(cbor2.dumps(inside))
        else:
            answer = with_something_odd(rng, answer)
        text = json.dumps(answer)
        refused += not is_good(lambda text=text: SHOP.created(text, CHALLENGE))

    assert refused > MANY / 2
