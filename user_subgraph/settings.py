"""Every environment variable of this service, read once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import quote, urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from user_subgraph.bounds import BOUNDS, Bound, Bounds, Throttled
from user_subgraph.client_address import Network
from user_subgraph.errors import StartRefused
from user_subgraph.mail import Letterhead
from user_subgraph.mail_carriers import MailCarrier, carrier_of
from user_subgraph.user_input import FieldProblem, email_address
from user_subgraph.webhook_signature import signing_key

_LINK_BASE = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?", re.ASCII)
_ORIGIN = re.compile(
    r"https://([a-z0-9-]+\.)+[a-z][a-z0-9-]*(:\d{1,5})?|https?://([a-z0-9-]+\.)*localhost(:\d{1,5})?",
    re.ASCII,
)
_USUAL_PORT = {"http": 80, "https": 443}
_PATH = re.compile(r"/[A-Za-z0-9/._~-]{0,200}", re.ASCII)
_REDIS_DATABASE = re.compile(r"(/\d{0,4})?", re.ASCII)


@dataclass(frozen=True)
class Settings:
    """README.md holds the table of names, units and defaults."""

    host: str
    port: int
    threads: int
    trusted_proxies: frozenset[Network]
    database_url: str
    signing_keys_dir: Path
    token_issuer: str
    token_audience: str
    access_token_ttl_s: int
    session_ttl_s: int
    audit_origin_days: int
    fresh_login_s: int
    mfa_issuer: str
    passkey_domain: str
    passkey_origins: tuple[str, ...]
    refresh_cookie_path: str
    refresh_cookie_secure: bool
    user_events_url: str | None = field(repr=False)
    user_events_keys: tuple[bytes, ...] = field(repr=False)
    public_url: str
    payment_graphql_url: str | None = field(repr=False)
    mail_carrier: MailCarrier
    letterhead: Letterhead
    verification_required: bool
    demo_mode: bool
    argon2_time_cost: int
    argon2_memory_kib: int
    argon2_parallelism: int
    password_hash_slots: int
    password_hash_wait_s: int
    throttle_storage: str | None
    bounds: Mapping[Throttled, Bounds]
    request_timeout_s: int
    max_body_bytes: int
    max_query_tokens: int
    max_query_depth: int
    max_query_fields: int
    max_query_aliases: int
    introspection: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Raises `StartRefused` with one sentence that names the variable."""
        read = _Reader(environment)
        data_dir = Path(read.text("DATA_DIR", ".data"))
        port = read.number("USER_SUBGRAPH_PORT", 8001, at_most=65535)
        public_url = read.link_base("PUBLIC_URL") or f"http://127.0.0.1:{port}"
        passkey_origins = read.passkey_origins("PASSKEY_ORIGINS") or (_origin_of(public_url),)
        return cls(
            host=read.text("LISTEN_HOST", "127.0.0.1"),
            port=port,
            threads=read.number("USER_SUBGRAPH_THREADS", 8),
            trusted_proxies=read.networks("TRUSTED_PROXIES"),
            database_url=read.database_url("USER_DATABASE_URL", f"sqlite:///{data_dir}/users.sqlite3"),
            signing_keys_dir=Path(read.text("SIGNING_KEYS_DIR", str(data_dir / "keys"))),
            token_issuer=read.text("TOKEN_ISSUER", f"http://127.0.0.1:{port}"),
            token_audience=read.text("TOKEN_AUDIENCE", "modular-payment-system"),
            # An hour after an erasure other services look for the last time at what a token could still have done.
            access_token_ttl_s=read.number("ACCESS_TOKEN_TTL_S", 600, at_most=3600),
            session_ttl_s=read.number("SESSION_TTL_S", 30 * 24 * 3600),
            audit_origin_days=read.number("AUDIT_ORIGIN_DAYS", 90, at_most=3650),
            fresh_login_s=read.number("FRESH_LOGIN_S", 900),
            mfa_issuer=read.text("MFA_ISSUER", "Modular Payment System"),
            passkey_domain=read.passkey_domain("PASSKEY_DOMAIN", passkey_origins),
            passkey_origins=passkey_origins,
            refresh_cookie_path=read.path("REFRESH_COOKIE_PATH", "/graphql"),
            refresh_cookie_secure=read.switch("REFRESH_COOKIE_SECURE", default=True),
            user_events_url=read.events_url("USER_EVENTS_URL", "USER_EVENTS_SECRET"),
            user_events_keys=read.signing_keys("USER_EVENTS_SECRET"),
            public_url=public_url,
            payment_graphql_url=read.service_url("PAYMENT_GRAPHQL_URL"),
            mail_carrier=read.mail_carrier("MAIL_URL", f"file:{quote(str(data_dir.absolute()))}/mails"),
            letterhead=Letterhead(
                read.mail_sender("MAIL_FROM", "no-reply@example.com"), read.link_base("MAIL_LINK_BASE")
            ),
            verification_required=read.choice("EMAIL_VERIFICATION", "optional", "required") == "required",
            demo_mode=read.switch("DEMO_MODE", default=False),
            argon2_time_cost=read.number("ARGON2_TIME_COST", 3),
            argon2_memory_kib=read.number("ARGON2_MEMORY_KIB", 64 * 1024, at_least=8),
            argon2_parallelism=read.number("ARGON2_PARALLELISM", 4, at_most=64),
            password_hash_slots=read.number("PASSWORD_HASH_SLOTS", 4),
            password_hash_wait_s=read.number("PASSWORD_HASH_WAIT_S", 5),
            throttle_storage=read.redis_url("THROTTLE_STORAGE"),
            bounds={what: read.bounds(f"THROTTLE_{what.name}", default) for what, default in BOUNDS.items()},
            request_timeout_s=read.number("REQUEST_TIMEOUT_S", 30),
            max_body_bytes=read.number("MAX_BODY_BYTES", 200_000),
            max_query_tokens=read.number("MAX_QUERY_TOKENS", 2_000),
            max_query_depth=read.number("MAX_QUERY_DEPTH", 20),
            max_query_fields=read.number("MAX_QUERY_FIELDS", 500),
            max_query_aliases=read.number("MAX_QUERY_ALIASES", 50),
            introspection=read.switch("INTROSPECTION", default=True),
        )


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str) -> str:
        return self._environment.get(name, "").strip() or default

    def number(self, name: str, default: int, *, at_least: int = 1, at_most: int = 2**31 - 1) -> int:
        text = self.text(name, str(default))
        if not (text.isascii() and text.isdecimal() and at_least <= int(text) <= at_most):
            raise StartRefused(f"{name} must be a whole number from {at_least} to {at_most}, not {text!r}.")
        return int(text)

    def service_url(self, name: str) -> str | None:
        """Not repeated in the error: it may hold a password."""
        url = self.text(name, "")
        if not url:
            return None
        if not (url.isascii() and url.startswith(("http://", "https://")) and _has_host(url)):
            raise StartRefused(f"{name} must be an http or https URL.")
        return url

    def events_url(self, name: str, secret: str) -> str | None:
        url = self.service_url(name)
        if url is None:
            return None
        if not self.signing_keys(secret):
            raise StartRefused(f"{secret} must be set where {name} is: nothing is sent unsigned.")
        return url

    def signing_keys(self, name: str) -> tuple[bytes, ...]:
        secrets = [text.strip() for text in self.text(name, "").split(",") if text.strip()]
        try:
            return tuple(signing_key(secret) for secret in secrets)
        except ValueError as error:
            raise StartRefused(
                f"{name} must be whsec_ and 24 to 64 bytes in base64, or several, comma separated."
            ) from error

    def switch(self, name: str, *, default: bool) -> bool:
        text = self.text(name, "1" if default else "0")
        if text not in {"0", "1"}:
            raise StartRefused(f"{name} must be 1 (on) or 0 (off), not {text!r}.")
        return text == "1"

    def path(self, name: str, default: str) -> str:
        text = self.text(name, default)
        if not _PATH.fullmatch(text):
            raise StartRefused(f"{name} must be the path of an address, such as /graphql, not {text!r}.")
        return text

    def choice(self, name: str, default: str, *others: str) -> str:
        text = self.text(name, default)
        if text not in {default, *others}:
            raise StartRefused(f"{name} must be {' or '.join((default, *others))}, not {text!r}.")
        return text

    def mail_carrier(self, name: str, default: str) -> MailCarrier:
        return carrier_of(name, self.text(name, default))

    def mail_sender(self, name: str, default: str) -> str:
        try:
            return email_address(self.text(name, default))
        except FieldProblem as problem:
            raise StartRefused(f"{name} must be an e-mail address such as no-reply@example.com.") from problem

    def link_base(self, name: str) -> str | None:
        """Without the slash at the end; `None`: there are no pages for links."""
        text = self.text(name, "").rstrip("/")
        if text and not (_LINK_BASE.fullmatch(text) and _has_host(text)):
            raise StartRefused(f"{name} must be like https://shop.example.com/account, not {text!r}.")
        return text or None

    def passkey_origins(self, name: str) -> tuple[str, ...]:
        """Of the pages that may ask for passkeys; none: it is not set."""
        origins = tuple(text.strip() for text in self.text(name, "").split(",") if text.strip())
        for origin in origins:
            if not (_ORIGIN.fullmatch(origin) and _has_host(origin) and origin == _origin_of(origin)):
                raise StartRefused(
                    f"{name} must be origins as browsers write them, such as https://shop.example.com or "
                    f"http://localhost:8000, comma separated, not {origin!r}. They have no passkeys for addresses of "
                    "numbers or without https, and leave out the ports 443 and 80."
                )
        return origins

    def passkey_domain(self, name: str, origins: tuple[str, ...]) -> str:
        """The one that all *origins* are at or below."""
        hosts = [str(urlsplit(origin).hostname) for origin in origins]
        domain = self.text(name, hosts[0])
        for host in hosts:
            if host != domain and not host.endswith(f".{domain}"):
                raise StartRefused(f"{name} must be a domain that {host} belongs to, not {domain!r}.")
        return domain

    def networks(self, name: str) -> frozenset[Network]:
        texts = [text.strip() for text in self.text(name, "").split(",") if text.strip()]
        try:
            return frozenset(ip_network(text) for text in texts)
        except ValueError as error:
            raise StartRefused(
                f"{name} must be addresses or networks, such as 10.0.0.0/8: {error}."
            ) from error

    def bounds(self, name: str, default: Bounds) -> Bounds:
        """Those that there are: a setting makes none out of nothing."""
        return Bounds(
            default.per_account and self._bound(f"{name}_PER_ACCOUNT", default.per_account),
            default.per_client and self._bound(f"{name}_PER_CLIENT", default.per_client),
            default.in_all and self._bound(f"{name}_IN_ALL", default.in_all),
        )

    def _bound(self, name: str, default: Bound) -> Bound:
        text = self.text(name, "")
        bound = Bound.read(text) if text else default
        if bound is None:
            raise StartRefused(f"{name} must be like '10 per 15 minutes', a day at most, not {text!r}.")
        return bound

    def redis_url(self, name: str) -> str | None:
        """`None`: in memory. The URL may hold a password: never shown."""
        url = self.text(name, "memory://")
        if url == "memory://":
            return None
        try:
            parts = urlsplit(url)
            fits = parts.scheme in {"redis", "rediss"} and parts.hostname and (parts.port or True)
        except ValueError as error:
            raise StartRefused(f"{name} is not an address such as redis://host:6379/0.") from error
        if not fits or not _REDIS_DATABASE.fullmatch(parts.path):
            raise StartRefused(f"{name} must be memory://, or like redis://host:6379/0 or rediss://….")
        return url

    def database_url(self, name: str, default: str) -> str:
        """SQLAlchemy's form of the URL, with the driver we ship. The URL may hold a password: never shown."""
        try:
            url = make_url(self.text(name, default))
        except (ArgumentError, ValueError) as error:
            raise StartRefused(
                f"{name} is not a database URL such as postgresql://user@host/name."
            ) from error
        match url.drivername:
            case "sqlite" | "sqlite+pysqlite":
                driver = "sqlite+pysqlite"
            case "postgresql" | "postgres" | "postgresql+psycopg":
                driver = "postgresql+psycopg"
            case other:
                raise StartRefused(f"{name} must begin with sqlite:// or postgresql://, not {other}://.")
        return url.set(drivername=driver).render_as_string(hide_password=False)


def _origin_of(url: str) -> str:
    """As browsers write it. They have no passkeys for 127.0.0.1, and know the same place by a name."""
    parts = urlsplit(url)
    host = "localhost" if parts.hostname in {"127.0.0.1", "::1"} else parts.hostname
    shown = "" if parts.port in {None, _USUAL_PORT[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{shown}"


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
