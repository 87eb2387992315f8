"""Every environment variable of this service, read once. README.md has the same as a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final, Self
from urllib.parse import urlsplit

from payment_subgraph.errors import SettingError
from payment_subgraph.inbox_event import BACK_OFF
from payment_subgraph.operation import Patience
from payment_subgraph.outbox_message import DeliveryPatience
from payment_subgraph.webhook_signature import signing_key

_LIVE_PREFIXES: Final = ("sk_live_", "rk_live_")
_TEST_PREFIXES: Final = ("sk_test_", "rk_test_")

_ANSWER_WITHIN: Final = timedelta(seconds=8)
_REQUEST_WITHIN: Final = timedelta(seconds=15)
"""The gateway waits 10 s for a subgraph: OperationPending must be there before that."""


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """All that `migrate` needs. *url* names no driver: `sqlite:///…` or `postgresql://…`."""

    url: str = field(repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        data_dir = environment.get("DATA_DIR") or ".data"
        url = environment.get("PAYMENT_DATABASE_URL") or f"sqlite:///{data_dir}/payments.sqlite3"
        if not url.startswith(("sqlite:///", "postgresql://")):
            raise SettingError("PAYMENT_DATABASE_URL must begin with sqlite:/// or postgresql://.")
        return cls(url)


class ProcessorName(StrEnum):
    STRIPE = "stripe"
    BANK_TRANSFER = "bank_transfer"


@dataclass(frozen=True, slots=True)
class StripeSettings:
    """*api_base* None is the real Stripe. Any of *webhook_secrets* may sign; none: the endpoint is off."""

    secret_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    api_base: str | None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        return cls(
            secret_key=_secret_key(environment),
            webhook_secrets=_webhook_secrets(environment),
            api_base=_url(environment, "STRIPE_API_BASE"),
        )


@dataclass(frozen=True, slots=True)
class BankTransferSettings:
    """Nothing to set: its journal lies in the service's own database, and nobody sends webhooks."""

    webhook_secrets: tuple[str, ...] = ()


ProcessorSettings = StripeSettings | BankTransferSettings


@dataclass(frozen=True, slots=True)
class OutboxSettings:
    """*url* None: nothing is delivered, and all messages wait. *keys*: what they are signed with."""

    url: str | None = field(repr=False)
    keys: tuple[bytes, ...] = field(repr=False)
    patience: DeliveryPatience

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        usual = DeliveryPatience()
        patience = DeliveryPatience(
            back_off=_back_off(environment, "OUTBOX_BACK_OFF_SECONDS", usual.back_off),
            timeout=_seconds(environment, "OUTBOX_TIMEOUT_SECONDS", usual.timeout),
            lease=_seconds(environment, "OUTBOX_LEASE_SECONDS", usual.lease),
        )
        if patience.lease <= patience.timeout:
            raise SettingError("OUTBOX_LEASE_SECONDS must be more than OUTBOX_TIMEOUT_SECONDS.")
        url, keys = _outbox_url(environment), _signing_keys(environment, "OUTBOX_SECRET")
        if url and not keys:
            raise SettingError("OUTBOX_SECRET must be set where OUTBOX_URL is: nothing is sent unsigned.")
        return cls(url, keys, patience)


@dataclass(frozen=True, slots=True)
class Settings:
    """Times are timedeltas; secrets are kept out of `repr`."""

    database: DatabaseSettings
    host: str
    port: int
    jwks_url: str
    token_issuer: str
    token_audience: str
    processor: ProcessorSettings
    environment: str
    patience: Patience
    answer_within: timedelta
    request_within: timedelta
    reread_after: timedelta
    poll_every: timedelta
    backfill_every: timedelta
    outbox: OutboxSettings
    user_event_keys: tuple[bytes, ...] = field(default=(), repr=False)
    """What the user service may sign its events with; none: its endpoint is off."""
    event_back_off: tuple[timedelta, ...] = BACK_OFF
    """The pauses between tries to work on an event."""
    adopt_external: bool = True
    """Whether payments that were made elsewhere on the account appear here."""
    books_delay: timedelta = timedelta(hours=1)
    """How long after its end a day is compared with the provider's books."""
    verify_every: timedelta | None = timedelta(days=1)
    """How often the tables are compared with the log; None: never."""
    abandoned_after: timedelta | None = timedelta(days=1)
    """How long a payment waits unchanged for a way to pay before it is canceled; None: for ever."""
    crash_chance: float = 0.0
    """How likely the process kills itself at each of `crash_points.py`."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Raises SettingError with one sentence that names the variable."""
        user_port = _port(environment, "USER_SUBGRAPH_PORT", 8001)
        users = f"http://127.0.0.1:{user_port}"
        return cls(
            database=DatabaseSettings.read(environment),
            host=environment.get("LISTEN_HOST") or "127.0.0.1",
            port=_port(environment, "PAYMENT_SUBGRAPH_PORT", 8002),
            jwks_url=_url(environment, "JWKS_URL") or f"{users}/.well-known/jwks.json",
            token_issuer=environment.get("TOKEN_ISSUER") or users,
            token_audience=environment.get("TOKEN_AUDIENCE") or "modular-payment-system",
            processor=_processor(environment),
            environment=environment.get("PAYMENT_ENVIRONMENT") or "development",
            patience=_patience(environment),
            answer_within=_seconds(environment, "OPERATION_ANSWER_SECONDS", _ANSWER_WITHIN),
            request_within=_seconds(environment, "REQUEST_TIMEOUT_SECONDS", _REQUEST_WITHIN),
            reread_after=_seconds(environment, "OPEN_PAYMENT_REREAD_SECONDS", timedelta(minutes=15)),
            abandoned_after=_seconds_or_never(environment, "ABANDONED_PAYMENT_SECONDS"),
            poll_every=_seconds(environment, "WORKER_POLL_SECONDS", timedelta(seconds=0.25)),
            backfill_every=_seconds(environment, "EVENT_BACKFILL_SECONDS", timedelta(minutes=10)),
            outbox=OutboxSettings.read(environment),
            user_event_keys=_signing_keys(environment, "USER_EVENTS_SECRET"),
            event_back_off=_back_off(environment, "EVENT_BACK_OFF_SECONDS", BACK_OFF),
            adopt_external=_switch(environment, "ADOPT_EXTERNAL_PAYMENTS", usual="1"),
            books_delay=_seconds(environment, "BOOKS_DELAY_SECONDS", timedelta(hours=1)),
            verify_every=_seconds_or_never(environment, "VERIFY_SECONDS"),
            crash_chance=_crash_chance(environment),
        )


def _processor(environment: Mapping[str, str]) -> ProcessorSettings:
    text = environment.get("PAYMENT_PROCESSOR") or ProcessorName.STRIPE
    match text:
        case ProcessorName.STRIPE:
            return StripeSettings.read(environment)
        case ProcessorName.BANK_TRANSFER:
            return BankTransferSettings()
    raise SettingError(f"PAYMENT_PROCESSOR must be {' or '.join(ProcessorName)}, not {text!r}.")


def _patience(environment: Mapping[str, str]) -> Patience:
    usual = Patience()
    return Patience(
        lease=_seconds(environment, "OPERATION_LEASE_SECONDS", usual.lease),
        resend_within=_seconds(environment, "OPERATION_RESEND_SECONDS", usual.resend_within),
        give_up_after=_seconds(environment, "OPERATION_GIVE_UP_SECONDS", usual.give_up_after),
        grace=_seconds(environment, "OPERATION_GRACE_SECONDS", usual.grace),
        back_off=_back_off(environment, "OPERATION_BACK_OFF_SECONDS", usual.back_off),
    )


def _seconds_or_never(environment: Mapping[str, str], name: str) -> timedelta | None:
    """A day if it is not set, None for "0"."""
    if environment.get(name) == "0":
        return None
    return _seconds(environment, name, timedelta(days=1))


def _seconds(environment: Mapping[str, str], name: str, usual: timedelta) -> timedelta:
    text = environment.get(name)
    return _one_duration(name, text) if text else usual


def _back_off(
    environment: Mapping[str, str], name: str, usual: tuple[timedelta, ...]
) -> tuple[timedelta, ...]:
    text = environment.get(name)
    return tuple(_one_duration(name, part) for part in text.split(",")) if text else usual


def _one_duration(name: str, text: str) -> timedelta:
    try:
        duration = timedelta(seconds=float(text))
    except (ValueError, OverflowError) as error:
        raise SettingError(f"{name} must be a number of seconds, not {text!r}.") from error
    if duration <= timedelta(0):
        raise SettingError(f"{name} must be more than 0 seconds.")
    return duration


def _switch(environment: Mapping[str, str], name: str, usual: str) -> bool:
    text = environment.get(name) or usual
    if text not in {"0", "1"}:
        raise SettingError(f"{name} must be 0 or 1, not {text!r}.")
    return text == "1"


def _crash_chance(environment: Mapping[str, str]) -> float:
    """Only the fault rig has a use for it."""
    text = environment.get("PAYMENT_CRASH_CHANCE")
    if not text:
        return 0.0
    try:
        chance = float(text)
    except ValueError:
        chance = -1.0
    if not 0 <= chance <= 1:
        raise SettingError(f"PAYMENT_CRASH_CHANCE must be a number from 0 to 1, not {text!r}.")
    if chance and (environment.get("STRIPE_SECRET_KEY") or "").startswith(_LIVE_PREFIXES):
        raise SettingError("PAYMENT_CRASH_CHANCE is for tests: unset it to use a live key.")
    return chance


def _port(environment: Mapping[str, str], name: str, usual: int) -> int:
    text = environment.get(name) or str(usual)
    if not (text.isascii() and text.isdigit() and 0 <= int(text) <= 65535):
        raise SettingError(f"{name} must be a port number from 0 to 65535, not {text!r}.")
    return int(text)


def _url(environment: Mapping[str, str], name: str) -> str | None:
    text = environment.get(name)
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SettingError(f"{name} must be an http or https URL, not {text!r}.")
    return text.rstrip("/")


def _secret_key(environment: Mapping[str, str]) -> str:
    key = environment.get("STRIPE_SECRET_KEY") or ""
    if not key.startswith(_LIVE_PREFIXES + _TEST_PREFIXES):
        raise SettingError("STRIPE_SECRET_KEY must be set to a secret key (sk_test_…, sk_live_…) of Stripe.")
    return key


def _webhook_secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Empty: the webhook endpoint is off."""
    parts = (environment.get("STRIPE_WEBHOOK_SECRET") or "").split(",")
    return tuple(part.strip() for part in parts if part.strip())


def _outbox_url(environment: Mapping[str, str]) -> str | None:
    """As it is written: a slash at its end may mean something to the receiver. Not repeated in errors, for its password."""
    text = environment.get("OUTBOX_URL")
    if not text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise SettingError("OUTBOX_URL must be an http or https URL.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError("OUTBOX_URL must be an http or https URL.")
    return text


def _signing_keys(environment: Mapping[str, str], name: str) -> tuple[bytes, ...]:
    parts = (environment.get(name) or "").split(",")
    try:
        return tuple(signing_key(part.strip()) for part in parts if part.strip())
    except ValueError as error:
        raise SettingError(
            f"{name} must be whsec_ and 24 to 64 bytes in base64, or several, comma separated: {error}."
        ) from error
