"""Every environment variable of the fake Stripe, read once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fake_stripe.currencies import SUPPORTED


class SettingError(Exception):
    """A variable has a value that cannot be used; the message names it and says what to set."""


@dataclass(frozen=True)
class Settings:
    """How this fake runs. Times are in seconds of its own clock."""

    host: str
    port: int
    database: Path
    public_url: str
    """Where a browser reaches the 3-D Secure page."""
    secret_key: str | None
    """The only secret key accepted; None accepts every `sk_test_…`."""
    webhook_url: str | None
    """Where events are delivered; None delivers nothing."""
    webhook_secrets: tuple[str, ...]
    """Each signs every delivery, as Stripe does while a secret is being rolled."""
    webhook_concurrency: int
    webhook_timeout_s: float
    retry_first_s: float
    retry_cap_s: float
    refund_settle_s: float
    """How long the test cards with slow refunds take to change their mind."""
    async_capture_s: float
    """How long after a payment its money is in the balance; 0 means at once."""
    settlement_currency: str | None
    """What all money is exchanged into; None: nothing is."""


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings, or raise SettingError."""
    host = environment.get("LISTEN_HOST") or "127.0.0.1"
    port = _port(environment)
    secrets = tuple(s.strip() for s in environment.get("STRIPE_WEBHOOK_SECRET", "").split(",") if s.strip())
    webhook_url = _webhook_url(environment)
    data_dir = Path(environment.get("DATA_DIR") or ".data")
    return Settings(
        host=host,
        port=port,
        database=Path(environment.get("FAKE_STRIPE_DATABASE") or data_dir / "fake_stripe.sqlite3"),
        public_url=(environment.get("FAKE_STRIPE_PUBLIC_URL") or f"http://{host}:{port}").rstrip("/"),
        secret_key=environment.get("STRIPE_SECRET_KEY") or None,
        # Without a secret no delivery could be signed, and an unsigned one must never arrive anywhere.
        webhook_url=webhook_url if secrets else None,
        webhook_secrets=secrets,
        webhook_concurrency=int(_number(environment, "FAKE_STRIPE_WEBHOOK_CONCURRENCY", 8, minimum=1)),
        webhook_timeout_s=_number(environment, "FAKE_STRIPE_WEBHOOK_TIMEOUT_SECONDS", 20),
        retry_first_s=_number(environment, "FAKE_STRIPE_RETRY_FIRST_SECONDS", 1),
        retry_cap_s=_number(environment, "FAKE_STRIPE_RETRY_CAP_SECONDS", 60),
        refund_settle_s=_number(environment, "FAKE_STRIPE_REFUND_SETTLE_SECONDS", 5),
        async_capture_s=_number(environment, "FAKE_STRIPE_ASYNC_CAPTURE_SECONDS", 0),
        settlement_currency=_currency(environment),
    )


def _currency(environment: Mapping[str, str]) -> str | None:
    code = (environment.get("FAKE_STRIPE_SETTLEMENT_CURRENCY") or "").lower()
    if code and code not in SUPPORTED:
        raise SettingError(f"FAKE_STRIPE_SETTLEMENT_CURRENCY must be a currency Stripe takes, not {code!r}.")
    return code or None


def _port(environment: Mapping[str, str]) -> int:
    text = environment.get("FAKE_STRIPE_PORT") or "8003"
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise SettingError(f"FAKE_STRIPE_PORT must be a port number between 1 and 65535, not {text!r}.")
    return int(text)


def _webhook_url(environment: Mapping[str, str]) -> str | None:
    url = environment.get("FAKE_STRIPE_WEBHOOK_URL", "http://127.0.0.1:8002/webhooks/stripe")
    if url and not url.startswith(("http://", "https://")):
        raise SettingError(f"FAKE_STRIPE_WEBHOOK_URL must be an http(s) address or empty, not {url!r}.")
    return url or None


def _number(environment: Mapping[str, str], name: str, default: float, minimum: float = 0) -> float:
    text = environment.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not minimum <= number < float("inf"):
        raise SettingError(f"{name} must be a number of at least {minimum:g}, not {text!r}.")
    return number
