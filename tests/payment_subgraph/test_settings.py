"""Settings: defaults, and one clear sentence for each bad value."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from payment_subgraph.errors import SettingError
from payment_subgraph.settings import Settings, StripeSettings

ROOT = Path(__file__).parents[2]
KEY = {"STRIPE_SECRET_KEY": "sk_test_abc"}


def test_the_defaults_fit_the_other_services() -> None:
    settings = Settings.read(KEY)

    assert (settings.host, settings.port) == ("127.0.0.1", 8002)
    assert settings.database.url == "sqlite:///.data/payments.sqlite3"
    assert settings.jwks_url == "http://127.0.0.1:8001/.well-known/jwks.json"
    assert settings.token_issuer == "http://127.0.0.1:8001"
    assert settings.token_audience == "modular-payment-system"
    assert settings.processor == StripeSettings("sk_test_abc", (), None)
    assert settings.poll_every.total_seconds() <= 0.25


def test_a_client_is_told_pending_before_the_gateway_gives_up() -> None:
    assert Settings.read(KEY).answer_within.total_seconds() == 8


def test_the_verification_can_be_switched_off() -> None:
    assert Settings.read(KEY).verify_every is not None
    assert Settings.read(KEY | {"VERIFY_SECONDS": "0"}).verify_every is None


def test_secrets_are_not_shown() -> None:
    secret = {"STRIPE_WEBHOOK_SECRET": "whsec_hidden", "PAYMENT_DATABASE_URL": "postgresql://u:hidden@h/d"}

    shown = repr(Settings.read({"STRIPE_SECRET_KEY": "sk_test_hidden"} | secret))

    assert "hidden" not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAYMENT_PROCESSOR", "paypal"),
        ("STRIPE_SECRET_KEY", ""),
        ("STRIPE_SECRET_KEY", "pk_test_public"),
        ("PAYMENT_SUBGRAPH_PORT", "eighty"),
        ("VERIFY_SECONDS", "nightly"),
        ("BOOKS_DELAY_SECONDS", "0"),
        ("PAYMENT_SUBGRAPH_PORT", "70000"),
        ("PAYMENT_DATABASE_URL", "mysql://localhost/x"),
        ("STRIPE_API_BASE", "localhost:8003"),
        ("JWKS_URL", "file:///etc/passwd"),
        ("OPERATION_LEASE_SECONDS", "soon"),
        ("OPERATION_LEASE_SECONDS", "0"),
        ("OPERATION_BACK_OFF_SECONDS", "1,x"),
        ("WORKER_POLL_SECONDS", "-1"),
        ("OUTBOX_URL", "shop.test/payments"),
        ("OUTBOX_URL", "http://[shop/payments"),
        ("OUTBOX_SECRET", "hidden"),
        ("OUTBOX_SECRET", "whsec_c2hvcnQ="),
        ("USER_EVENTS_SECRET", "hidden"),
        ("OUTBOX_BACK_OFF_SECONDS", "5,never"),
        ("EVENT_BACK_OFF_SECONDS", "5,0"),
        ("OUTBOX_LEASE_SECONDS", "20"),
        ("ADOPT_EXTERNAL_PAYMENTS", "yes"),
    ],
)
def test_a_bad_value_is_told_by_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        Settings.read(KEY | {name: value})


@pytest.mark.parametrize("module", ["payment_subgraph", "payment_subgraph.worker"])
def test_a_bad_value_stops_the_start_without_a_traceback(module: str) -> None:
    arguments = ["serve"] if module == "payment_subgraph" else []
    environment = {"PATH": os.environ["PATH"], "STRIPE_SECRET_KEY": "nonsense"}

    ended = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stderr.strip().startswith("STRIPE_SECRET_KEY must be set")
    assert len(ended.stderr.strip().splitlines()) == 1


def test_nothing_is_sent_unsigned() -> None:
    with pytest.raises(SettingError, match="OUTBOX_SECRET"):
        Settings.read(KEY | {"OUTBOX_URL": "https://shop.test/payments"})


def test_where_messages_go_and_what_signs_them_is_not_shown() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signing = {"OUTBOX_SECRET": secret, "USER_EVENTS_SECRET": secret}

    settings = Settings.read(KEY | signing | {"OUTBOX_URL": "https://u:hidden@shop.test/payments/"})

    assert settings.outbox.url == "https://u:hidden@shop.test/payments/"
    assert "hidden" not in repr(settings)
    assert repr(settings.outbox.keys[0]) not in repr(settings)
