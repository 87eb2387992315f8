"""Settings: defaults, and one sentence that names the variable for whatever is wrong."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from user_subgraph.errors import StartRefused
from user_subgraph.settings import Settings


def test_the_defaults_are_those_of_a_laptop() -> None:
    settings = Settings.from_environment({})

    assert (settings.host, settings.port) == ("127.0.0.1", 8001)
    assert settings.database_url == "sqlite+pysqlite:///.data/users.sqlite3"
    assert settings.signing_keys_dir == Path(".data/keys")
    assert (settings.token_issuer, settings.token_audience) == (
        "http://127.0.0.1:8001",
        "modular-payment-system",
    )
    assert (settings.demo_mode, settings.introspection) == (False, True)


def test_issuer_and_folders_follow_port_and_data_dir() -> None:
    settings = Settings.from_environment({"USER_SUBGRAPH_PORT": "9001", "DATA_DIR": "/srv/data"})

    assert settings.token_issuer == "http://127.0.0.1:9001"
    assert settings.database_url == "sqlite+pysqlite:////srv/data/users.sqlite3"
    assert settings.signing_keys_dir == Path("/srv/data/keys")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_urls_get_our_driver_and_keep_their_password(scheme: str) -> None:
    settings = Settings.from_environment({"USER_DATABASE_URL": f"{scheme}://u:p%40ss@db/users"})

    assert settings.database_url == "postgresql+psycopg://u:p%40ss@db/users"


def test_trusted_proxies_are_addresses_and_networks() -> None:
    settings = Settings.from_environment({"TRUSTED_PROXIES": "10.0.0.5, 2001:db8::/32,"})

    assert settings.trusted_proxies == {ip_network("10.0.0.5/32"), ip_network("2001:db8::/32")}
    assert Settings.from_environment({}).trusted_proxies == frozenset()


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert Settings.from_environment({"USER_SUBGRAPH_PORT": " "}).port == 8001


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("USER_SUBGRAPH_PORT", "eight"),
        ("USER_SUBGRAPH_PORT", "0"),
        ("USER_SUBGRAPH_PORT", "65536"),
        ("USER_SUBGRAPH_PORT", "-1"),
        ("USER_SUBGRAPH_PORT", "٨٠٠١"),
        ("DEMO_MODE", "yes"),
        ("INTROSPECTION", "true"),
        ("ACCESS_TOKEN_TTL_S", "10m"),
        ("ARGON2_MEMORY_KIB", "7"),
        ("PASSWORD_HASH_SLOTS", "0"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,gateway"),
        ("USER_DATABASE_URL", "mysql://u:secret@db/users"),
        ("USER_DATABASE_URL", "no url, but secret"),
        ("USER_DATABASE_URL", "postgresql://u:secret@db:port/users"),
    ],
)
def test_a_bad_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(StartRefused, match=f"^{name} .*\\.$") as refused:
        Settings.from_environment({name: value})

    assert "secret" not in str(refused.value)
