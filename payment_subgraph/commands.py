"""What a client can ask for, as checked values. Pure.

Each `*_command` function takes raw input and gives a command, or raises InvalidInput with every flaw found.
"""

import hashlib
import ipaddress
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Final
from urllib.parse import urlsplit

from payment_subgraph.errors import InvalidInput
from payment_subgraph.flaw import Flaw
from payment_subgraph.money import Money, parse_money
from payment_subgraph.payment import CaptureMethod
from payment_subgraph.refund import RefundReason

MAX_KEY: Final = 255
MAX_REFERENCE: Final = 255
MAX_USER_ID: Final = 64
MAX_TEXT: Final = 1000
MAX_ENTRIES: Final = 50
MAX_ENTRY_KEY: Final = 40
MAX_ENTRY_VALUE: Final = 500
MAX_URL: Final = 2048

RawMoney = tuple[str, str]
"""The amount as the client wrote it, and the currency."""


@dataclass(frozen=True, slots=True)
class CreatePayment:
    client_key: str
    owner_id: str
    amount: Money
    reference: str | None = None
    description: str | None = None
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    payment_method_id: str | None = None
    save_payment_method: bool = False
    confirm: bool = False
    return_url: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ConfirmPayment:
    client_key: str
    payment_id: str
    payment_method_id: str | None = None
    return_url: str | None = None


@dataclass(frozen=True, slots=True)
class CapturePayment:
    """*amount* None: everything that is authorized. Whatever is less ends the authorization of the rest."""

    client_key: str
    payment_id: str
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class CancelPayment:
    client_key: str
    payment_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RefundPayment:
    """*amount* None: everything that is left."""

    client_key: str
    payment_id: str
    amount: Money | None = None
    reason: RefundReason = RefundReason.REQUESTED_BY_CUSTOMER
    note: str | None = None


Command = CreatePayment | ConfirmPayment | CapturePayment | CancelPayment | RefundPayment


def request_hash(command: Command) -> str:
    """Equal for equal inputs, whatever their key: sha-256 of the command in canonical JSON.

    A field at its default counts as left out, so one that is added later changes no hash stored before.
    """
    defaults = {field.name: field.default for field in fields(command)}
    told = {name: value for name, value in asdict(command).items() if value != defaults[name]}
    content = told | {"client_key": None, "command": type(command).__name__}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def create_command(  # noqa: PLR0913 - one argument per input field, all by name
    *,
    client_key: str,
    owner_id: str,
    amount: RawMoney,
    reference: str | None,
    description: str | None,
    capture_method: CaptureMethod,
    payment_method_id: str | None,
    save_payment_method: bool = False,
    confirm: bool,
    return_url: str | None,
    metadata: Sequence[tuple[str, str]],
) -> CreatePayment:
    money = parse_money(*amount)
    flaws = [
        *_key_flaws(client_key),
        *([money] if isinstance(money, Flaw) else []),
        *_payer_flaws(owner_id),
        *_text_flaws("reference", reference, MAX_REFERENCE),
        *_text_flaws("description", description, MAX_TEXT),
        *_method_flaws(payment_method_id, required=confirm),
        *_url_flaws(return_url),
        *_metadata_flaws(metadata),
    ]
    if flaws or isinstance(money, Flaw):
        raise InvalidInput(*flaws)
    return CreatePayment(
        client_key=client_key,
        owner_id=owner_id,
        amount=money,
        reference=reference,
        description=description,
        capture_method=capture_method,
        payment_method_id=payment_method_id,
        save_payment_method=save_payment_method,
        confirm=confirm,
        return_url=return_url,
        metadata=tuple(metadata),
    )


def confirm_command(
    client_key: str, payment_id: str, payment_method_id: str | None, return_url: str | None
) -> ConfirmPayment:
    _refuse(
        [
            *_key_flaws(client_key),
            *_method_flaws(payment_method_id, required=False),
            *_url_flaws(return_url),
        ]
    )
    return ConfirmPayment(client_key, payment_id, payment_method_id, return_url)


def capture_command(client_key: str, payment_id: str, amount: RawMoney | None) -> CapturePayment:
    money = parse_money(*amount) if amount else None
    if isinstance(money, Flaw):
        raise InvalidInput(*_key_flaws(client_key), money)
    _refuse([*_key_flaws(client_key)])
    return CapturePayment(client_key, payment_id, money)


def cancel_command(client_key: str, payment_id: str, reason: str | None) -> CancelPayment:
    _refuse([*_key_flaws(client_key), *_text_flaws("reason", reason, MAX_TEXT)])
    return CancelPayment(client_key, payment_id, reason)


def refund_command(
    client_key: str, payment_id: str, amount: RawMoney | None, reason: RefundReason, note: str | None
) -> RefundPayment:
    money = parse_money(*amount) if amount else None
    flaw = [money] if isinstance(money, Flaw) else []
    _refuse([*_key_flaws(client_key), *flaw, *_text_flaws("note", note, MAX_TEXT)])
    return RefundPayment(client_key, payment_id, money if isinstance(money, Money) else None, reason, note)


def _refuse(flaws: Sequence[Flaw]) -> None:
    if flaws:
        raise InvalidInput(*flaws)


def _key_flaws(key: str) -> Iterable[Flaw]:
    if not key.strip():
        yield Flaw(("idempotencyKey",), "REQUIRED", "Send a key that is new for each intention.")
    yield from _text_flaws("idempotencyKey", key, MAX_KEY)


def _payer_flaws(owner_id: str) -> Iterable[Flaw]:
    if not owner_id:
        yield Flaw(("userId",), "REQUIRED", "A machine pays for a user: say for whom.")
    yield from _text_flaws("userId", owner_id, MAX_USER_ID)


def _text_flaws(field: str, text: str | None, limit: int) -> Iterable[Flaw]:
    if text is not None and len(text) > limit:
        yield Flaw((field,), "TOO_LONG", f"At most {limit} characters.")


def _method_flaws(method: str | None, *, required: bool) -> Iterable[Flaw]:
    if method is None and required:
        yield Flaw(("paymentMethodId",), "REQUIRED", "Confirming at once needs a payment method.")
    if method is not None and not (0 < len(method) <= MAX_KEY and method.isascii() and method.isprintable()):
        yield Flaw(("paymentMethodId",), "UNKNOWN_PAYMENT_METHOD", "There is no such payment method.")


def _url_flaws(url: str | None) -> Iterable[Flaw]:
    if url is not None and not _is_safe_url(url):
        yield Flaw(
            ("returnUrl",), "NOT_A_URL", f"Send an absolute https URL of at most {MAX_URL} characters."
        )


def _is_safe_url(text: str) -> bool:
    """https anywhere; plain http only to this machine, for development."""
    if len(text) > MAX_URL or not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _metadata_flaws(entries: Sequence[tuple[str, str]]) -> Iterable[Flaw]:
    if len(entries) > MAX_ENTRIES:
        yield Flaw(("metadata",), "TOO_MANY", f"At most {MAX_ENTRIES} entries.")
    if len({key for key, _ in entries}) < len(entries):
        yield Flaw(("metadata",), "DUPLICATE_KEY", "Each key may stand once.")
    for key, value in entries[:MAX_ENTRIES]:
        if not key:
            yield Flaw(("metadata", "key"), "REQUIRED", "A key must not be empty.")
        yield from (Flaw(("metadata", "key"), f.code, f.message) for f in _text_flaws("", key, MAX_ENTRY_KEY))
        yield from (
            Flaw(("metadata", "value"), f.code, f.message) for f in _text_flaws("", value, MAX_ENTRY_VALUE)
        )
