"""Every environment variable of this service, read once. README.md has the same as a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Self
from urllib.parse import urlsplit

from payment_subgraph.errors import SettingError
from payment_subgraph.operation import Patience

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


@dataclass(frozen=True, slots=True)
class Settings:
    """Times are timedeltas; secrets are kept out of `repr`."""

    database: DatabaseSettings
    host: str
    port: int
    jwks_url: str
    token_issuer: str
    token_audience: str
    stripe_secret_key: str = field(repr=False)
    stripe_webhook_secrets: tuple[str, ...] = field(repr=False)
    stripe_api_base: str | None
    environment: str
    patience: Patience
    answer_within: timedelta
    request_within: timedelta
    reread_after: timedelta
    poll_every: timedelta
    backfill_every: timedelta
    adopt_external: bool = True
    """Whether payments that were made elsewhere on the account appear here."""
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
            stripe_secret_key=_secret_key(environment),
            stripe_webhook_secrets=_webhook_secrets(environment),
            stripe_api_base=_url(environment, "STRIPE_API_BASE"),
            environment=environment.get("PAYMENT_ENVIRONMENT") or "development",
            patience=_patience(environment),
            answer_within=_seconds(environment, "OPERATION_ANSWER_SECONDS", _ANSWER_WITHIN),
            request_within=_seconds(environment, "REQUEST_TIMEOUT_SECONDS", _REQUEST_WITHIN),
            reread_after=_seconds(environment, "OPEN_PAYMENT_REREAD_SECONDS", timedelta(minutes=15)),
            poll_every=_seconds(environment, "WORKER_POLL_SECONDS", timedelta(seconds=0.25)),
            backfill_every=_seconds(environment, "EVENT_BACKFILL_SECONDS", timedelta(minutes=10)),
            adopt_external=_switch(environment, "ADOPT_EXTERNAL_PAYMENTS", usual="1"),
            crash_chance=_crash_chance(environment),
        )


def _patience(environment: Mapping[str, str]) -> Patience:
    usual = Patience()
    back_off = environment.get("OPERATION_BACK_OFF_SECONDS")
    return Patience(
        lease=_seconds(environment, "OPERATION_LEASE_SECONDS", usual.lease),
        resend_within=_seconds(environment, "OPERATION_RESEND_SECONDS", usual.resend_within),
        give_up_after=_seconds(environment, "OPERATION_GIVE_UP_SECONDS", usual.give_up_after),
        grace=_seconds(environment, "OPERATION_GRACE_SECONDS", usual.grace),
        back_off=_many_seconds(back_off) if back_off else usual.back_off,
    )


def _seconds(environment: Mapping[str, str], name: str, usual: timedelta) -> timedelta:
    text = environment.get(name)
    return _one_duration(name, text) if text else usual


def _many_seconds(text: str) -> tuple[timedelta, ...]:
    return tuple(_one_duration("OPERATION_BACK_OFF_SECONDS", part) for part in text.split(","))


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
