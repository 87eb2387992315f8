"""Settings of a local system: defaults, overrides and refusals."""

import re
from pathlib import Path

import pytest

from launcher.errors import InvalidSetting
from launcher.settings import ROOT, Settings


def test_the_defaults_are_the_documented_ports() -> None:
    settings = Settings.from_environment({})

    assert settings.data_dir == ROOT / ".data"
    assert (settings.gateway_port, settings.user_subgraph_port) == (8000, 8001)
    assert (settings.payment_subgraph_port, settings.fake_stripe_port) == (8002, 8003)


@pytest.mark.parametrize("value", ["eighty", "0", "65536", "-1", "80.5"])
def test_a_port_that_is_none_is_refused_by_name(value: str) -> None:
    with pytest.raises(InvalidSetting, match=f"GATEWAY_PORT is '{value}', but must be a port number"):
        Settings.from_environment({"GATEWAY_PORT": value})


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    names = ("DATA_DIR", "GATEWAY_PORT", "FAKE_STRIPE_PORT", "DEMO_MODE", "STRIPE_SECRET_KEY")

    empty, unset = Settings.from_environment(dict.fromkeys(names, "")), Settings.from_environment({})

    assert (empty.data_dir, empty.gateway_port, empty.demo_mode) == (ROOT / ".data", 8000, True)
    assert empty.uses_fake_stripe
    assert empty.fake_stripe_url == unset.fake_stripe_url


def test_a_demo_mode_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(InvalidSetting, match="DEMO_MODE is 'yes', but must be 0 or 1"):
        Settings.from_environment({"DEMO_MODE": "yes"})


def test_what_the_person_set_wins_over_what_follows_from_the_ports(tmp_path: Path) -> None:
    given = {
        "DATA_DIR": str(tmp_path),
        "SUBGRAPH_URL_USERS": "http://proxy/graphql",
        "USER_SUBGRAPH_PORT": "9001",
    }

    environment = Settings.from_environment(given).process_environment()

    assert environment["SUBGRAPH_URL_USERS"] == "http://proxy/graphql"
    assert environment["SUBGRAPH_URL_PAYMENTS"] == "http://127.0.0.1:8002/graphql"
    assert environment["JWKS_URL"] == "http://127.0.0.1:9001/.well-known/jwks.json"
    assert environment["TOKEN_ISSUER"] == "http://127.0.0.1:9001"


def test_the_user_service_tells_the_payment_service_of_erasures(tmp_path: Path) -> None:
    environment = Settings.from_environment({"DATA_DIR": str(tmp_path)}).process_environment()

    assert environment["USER_EVENTS_URL"] == "http://127.0.0.1:8002/events/users"
    assert re.fullmatch("whsec_[0-9a-f]{48}", environment["USER_EVENTS_SECRET"])


def test_the_user_service_knows_where_it_is_found_and_where_payments_are(tmp_path: Path) -> None:
    given = {"DATA_DIR": str(tmp_path), "USER_SUBGRAPH_PORT": "9001", "PAYMENT_SUBGRAPH_PORT": "9002"}

    environment = Settings.from_environment(given).process_environment()

    assert environment["PUBLIC_URL"] == "http://127.0.0.1:9001"
    assert environment["PASSKEY_ORIGINS"] == "http://localhost:8000,http://localhost:9001"
    assert environment["PAYMENT_GRAPHQL_URL"] == "http://127.0.0.1:9002/graphql"


def test_everybody_who_issues_or_checks_tokens_is_told_the_same(tmp_path: Path) -> None:
    usual = Settings.from_environment({"DATA_DIR": str(tmp_path)}).process_environment()
    chosen = Settings.from_environment({"DATA_DIR": str(tmp_path), "TOKEN_AUDIENCE": "my-shop"})

    assert usual["TOKEN_AUDIENCE"] == "modular-payment-system"
    assert chosen.process_environment()["TOKEN_AUDIENCE"] == "my-shop"


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_a_proxy_is_never_asked_for_our_own_services(tmp_path: Path, variable: str) -> None:
    given = {"DATA_DIR": str(tmp_path), "HTTPS_PROXY": "http://proxy:3128", variable: "shop.example"}

    environment = Settings.from_environment(given).process_environment()

    assert environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert environment["NO_PROXY"] == environment["no_proxy"] == "shop.example,127.0.0.1,localhost"


def test_a_key_of_ones_own_means_the_real_stripe(tmp_path: Path) -> None:
    settings = Settings.from_environment({"DATA_DIR": str(tmp_path), "STRIPE_SECRET_KEY": "sk_test_mine"})

    environment = settings.process_environment()

    assert not settings.uses_fake_stripe
    assert environment["STRIPE_SECRET_KEY"] == "sk_test_mine"
    assert "STRIPE_API_BASE" not in environment


def test_bank_transfers_need_no_stripe(tmp_path: Path) -> None:
    settings = Settings.from_environment({"DATA_DIR": str(tmp_path), "PAYMENT_PROCESSOR": "bank_transfer"})

    environment = settings.process_environment()

    assert not settings.uses_fake_stripe
    assert not [name for name in environment if "STRIPE_" in name and name != "FAKE_STRIPE_PORT"]
    assert not list((tmp_path / "keys").glob("fake_stripe*"))


def test_the_secrets_of_the_fake_stay_the_same_and_private(tmp_path: Path) -> None:
    settings = Settings.from_environment({"DATA_DIR": str(tmp_path)})

    first, second = settings.process_environment(), settings.process_environment()

    assert first["STRIPE_WEBHOOK_SECRET"] == second["STRIPE_WEBHOOK_SECRET"]
    assert (tmp_path / "keys" / "fake_stripe_webhook_secret").stat().st_mode & 0o077 == 0


def test_mails_link_to_the_pages_of_the_gateway(tmp_path: Path) -> None:
    usual = Settings.from_environment({"DATA_DIR": str(tmp_path), "GATEWAY_PORT": "9000"})
    chosen = Settings.from_environment(
        {"DATA_DIR": str(tmp_path), "MAIL_LINK_BASE": "https://shop.example/me"}
    )

    assert usual.process_environment()["MAIL_LINK_BASE"] == "http://127.0.0.1:9000/account"
    assert chosen.process_environment()["MAIL_LINK_BASE"] == "https://shop.example/me"


def test_mails_are_shown_only_where_nobody_else_gets_them(tmp_path: Path) -> None:
    def shown(**given: str) -> Path | None:
        return Settings.from_environment({"DATA_DIR": str(tmp_path), **given}).mails_to_show

    assert shown() == shown(MAIL_URL="") == tmp_path / "mails"
    assert shown(MAIL_URL="smtps://mail.example.com") is None
    assert shown(DEMO_MODE="0") is None
