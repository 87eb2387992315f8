"""Settings: defaults, and one sentence that names the variable for whatever is wrong."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

import user_subgraph
from user_subgraph.bounds import BOUNDS, Bound, Bounds, Throttled
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


def test_passkeys_are_for_the_domain_of_the_first_page_and_follow_the_public_address() -> None:
    usual = Settings.from_environment({})
    public = Settings.from_environment({"PUBLIC_URL": "https://users.example.com/accounts"})
    origins = {"PASSKEY_ORIGINS": "https://shop.example.com, https://example.com:8443"}
    chosen = Settings.from_environment(origins | {"PASSKEY_DOMAIN": "example.com"})

    assert (usual.passkey_domain, usual.passkey_origins) == ("localhost", ("http://localhost:8001",))
    assert (public.passkey_domain, public.passkey_origins) == (
        "users.example.com",
        ("https://users.example.com",),
    )
    assert chosen.passkey_domain == "example.com"
    assert chosen.passkey_origins == ("https://shop.example.com", "https://example.com:8443")
    with pytest.raises(StartRefused, match=r"^PASSKEY_DOMAIN must be a domain that example\.com belongs to"):
        Settings.from_environment(origins)


def test_what_is_counted_is_kept_in_memory_or_in_redis() -> None:
    assert Settings.from_environment({}).throttle_storage is None
    assert Settings.from_environment({"THROTTLE_STORAGE": "memory://"}).throttle_storage is None
    for url in ("redis://host", "redis://:secret@host:6379/0", "rediss://user:secret@[::1]:7000/2"):
        assert Settings.from_environment({"THROTTLE_STORAGE": url}).throttle_storage == url


def test_a_bound_is_set_in_words_and_leaves_the_others() -> None:
    settings = Settings.from_environment({"THROTTLE_LOGIN_PER_ACCOUNT": "20 per 2 hours"})

    assert settings.bounds[Throttled.LOGIN] == Bounds(Bound(20, 7200), Bound(100, 900))
    assert {what: settings.bounds[what] for what in BOUNDS if what is not Throttled.LOGIN} == {
        what: BOUNDS[what] for what in BOUNDS if what is not Throttled.LOGIN
    }


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("1 per 1 second", Bound(1, 1)),
        ("10 per 15 minutes", Bound(10, 900)),
        ("100000 per 24 hours", Bound(100_000, 86_400)),
    ],
)
def test_bounds_have_units(text: str, bound: Bound) -> None:
    assert Bound.read(text) == bound


class Noting(dict[str, str]):
    """An environment that knows what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = set[str]()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


def test_the_readmes_table_holds_every_setting_and_no_other() -> None:
    readme = Path(user_subgraph.__file__).with_name("README.md").read_text(encoding="utf-8")
    table = readme.partition("## Settings")[2].partition("\n## ")[0]
    first_columns = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    environment = Noting()

    Settings.from_environment(environment)

    assert set(re.findall(r"`([A-Z][A-Z0-9_]+)`", " ".join(first_columns))) == environment.asked


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://127.0.0.1:8001", "http://localhost:8001"),
        ("http://[::1]:8001", "http://localhost:8001"),
        ("https://Shop.Example.com:443/account", "https://shop.example.com"),
        ("https://shop.example.com:8443", "https://shop.example.com:8443"),
        ("http://127.0.0.1.example.com:80", "http://127.0.0.1.example.com"),
    ],
)
def test_pages_of_the_public_url_may_ask_for_passkeys(url: str, origin: str) -> None:
    assert Settings.from_environment({"PUBLIC_URL": url}).passkey_origins == (origin,)


def test_a_domain_may_have_a_number_in_it_where_it_is_no_address() -> None:
    assert (
        Settings.from_environment({"PASSKEY_ORIGINS": "https://shop.42.example"}).passkey_domain
        == "shop.42.example"
    )


def test_no_event_is_sent_unsigned() -> None:
    with pytest.raises(StartRefused, match=r"^USER_EVENTS_SECRET must be set where USER_EVENTS_URL is"):
        Settings.from_environment({"USER_EVENTS_URL": "http://127.0.0.1:8002/events/users"})


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
        ("ACCESS_TOKEN_TTL_S", "3601"),
        ("ARGON2_MEMORY_KIB", "7"),
        ("PASSWORD_HASH_SLOTS", "0"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,gateway"),
        ("USER_DATABASE_URL", "mysql://u:secret@db/users"),
        ("THROTTLE_LOGIN_PER_ACCOUNT", "10"),
        ("THROTTLE_LOGIN_PER_ACCOUNT", "0 per 15 minutes"),
        ("THROTTLE_LOGIN_PER_ACCOUNT", "10 per 0 minutes"),
        ("THROTTLE_LOGIN_PER_CLIENT", "10 per 25 hours"),
        ("THROTTLE_LOGIN_PER_CLIENT", "٣ per 15 minutes"),
        ("THROTTLE_REGISTRATION_PER_CLIENT", "100001 per 1 hour"),
        ("PUBLIC_URL", "http://["),
        ("PUBLIC_URL", "http://:8001"),
        ("PUBLIC_URL", "https://shop.example.com:65536"),
        ("MAIL_URL", "mail.example.com"),
        ("MAIL_URL", "smtp://"),
        ("MAIL_URL", "smtp://host:port"),
        ("MAIL_URL", "smtp://user:secret@host?tls=none"),
        ("MAIL_URL", "smtp://user:secret@host?starttls=off"),
        ("MAIL_URL", "smtps://user:secret@host/inbox"),
        ("MAIL_URL", "file://host/mails"),
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "a@example.com\r\nBcc: b@example.com"),
        ("MAIL_LINK_BASE", "shop.example.com"),
        ("MAIL_LINK_BASE", "https://shop.example.com/a b"),
        ("MAIL_LINK_BASE", "https://shop.example.com/?x="),
        ("PASSKEY_ORIGINS", "shop.example.com"),
        ("PASSKEY_ORIGINS", "https://shop.example.com/"),
        ("PASSKEY_ORIGINS", "http://shop.example.com"),
        ("PASSKEY_ORIGINS", "http://127.0.0.1:8000"),
        ("PASSKEY_ORIGINS", "https://203.0.113.7"),
        ("PASSKEY_ORIGINS", "https://shop.example.com,nothing"),
        ("PASSKEY_ORIGINS", "https://shop.example.com:443"),
        ("PASSKEY_ORIGINS", "https://shop.example.com:65536"),
        ("PASSKEY_ORIGINS", "https://shop.example.com:08443"),
        ("PASSKEY_ORIGINS", "https://Shop.example.com"),
        ("PASSKEY_ORIGINS", "https://müller.example"),
        ("PASSKEY_ORIGINS", "https://shop.0x7f"),
        ("PASSKEY_ORIGINS", "http://[::1]:8000"),
        ("PASSKEY_DOMAIN", "example.com"),
        ("EMAIL_VERIFICATION", "yes"),
        ("THROTTLE_STORAGE", "memory"),
        ("THROTTLE_STORAGE", "memcached://:secret@host"),
        ("THROTTLE_STORAGE", "redis://:secret@"),
        ("THROTTLE_STORAGE", "redis://:secret@host:port"),
        ("THROTTLE_STORAGE", "redis://:secret@host/users"),
        ("USER_DATABASE_URL", "no url, but secret"),
        ("USER_EVENTS_URL", "127.0.0.1:8002/secret"),
        ("USER_EVENTS_URL", "http:///secret"),
        ("USER_EVENTS_URL", "http://host:port/secret"),
        ("USER_EVENTS_SECRET", "secret"),
        ("USER_EVENTS_SECRET", "whsec_c2hvcnQ="),
        ("USER_DATABASE_URL", "postgresql://u:secret@db:port/users"),
    ],
)
def test_a_bad_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(StartRefused, match=f"^{name}:? .*\\.$") as refused:
        Settings.from_environment({name: value})

    assert "secret" not in str(refused.value)
