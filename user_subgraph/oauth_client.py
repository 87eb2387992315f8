"""Programs that are let in by OAuth 2: apps, in the name of people who consent, and machines, in their own. Pure.

Source: RFC 6749, 2 and 3.1.2; RFC 8252, 7; RFC 9700, 2.1.
"""

import hmac
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from ulid import ULID

from user_subgraph.random_secret import secret_hash
from user_subgraph.user import EVERY_SCOPE, EVERY_USER, SCOPES, Role

# A program that gets hold of these could take an account over, or make one that may do all.
_NOT_FOR_PROGRAMS = frozenset({"profile:write", "users:write"})
APP_SCOPES = EVERY_SCOPE - _NOT_FOR_PROGRAMS
# A machine is nobody, so there is nothing of its own to read or to pay.
MACHINE_SCOPES = APP_SCOPES - EVERY_USER - SCOPES[Role.CUSTOMER]

MAX_NAME = 80
MAX_REDIRECT_URIS = 10
MAX_REDIRECT_URI = 500
_CLIENT_ID = re.compile(r"cli_[0-9a-hjkmnp-tv-z]{26}")
# RFC 8252, 7.1: of an app on a device, the name of a domain turned round. So no `javascript:` or `data:`.
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
# What an address is written with (RFC 3986), without what begins a fragment.
_ADDRESS = re.compile(r"[!$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+")


@dataclass(frozen=True)
class OAuthClient:
    """`redirect_uris` is empty for a machine. `secret_hash` is `None` for an app that can keep no secret."""

    id: str
    name: str
    secret_hash: str | None
    redirect_uris: tuple[str, ...]
    scopes: frozenset[str]
    created_at: datetime

    @property
    def is_machine(self) -> bool:
        return not self.redirect_uris

    def has_secret(self, secret: str) -> bool:
        return self.secret_hash is not None and hmac.compare_digest(self.secret_hash, secret_hash(secret))

    def may_be_sent_to(self, redirect_uri: str) -> bool:
        """One of its addresses, letter by letter; the port of a loopback address is whichever was free (RFC 8252, 7.3)."""
        return redirect_uri in self.redirect_uris or _any_port(redirect_uri) in map(
            _any_port, filter(_is_loopback, self.redirect_uris)
        )


def new_client_id() -> str:
    return f"cli_{ULID()}".lower()


def is_client_id(text: str) -> bool:
    """Whether *text* has the form of our ids; anything else names nobody, and may be no text for a database."""
    return _CLIENT_ID.fullmatch(text) is not None


def scopes_problem(scopes: Collection[str], allowed: frozenset[str]) -> str | None:
    """Why a client cannot be given *scopes*; `None`: it can."""
    if not scopes:
        return f"Name at least one scope of {_listed(allowed)}."
    wrong = frozenset(scopes) - allowed
    return f"{_listed(wrong)}: not for such a client. There are {_listed(allowed)}." if wrong else None


def redirect_uri_problem(uri: str) -> str | None:
    """Why nobody can be sent back to *uri*; `None`: they can."""
    if len(uri) > MAX_REDIRECT_URI or not _ADDRESS.fullmatch(uri):
        return f"{uri!r} is not an address without a fragment, of {MAX_REDIRECT_URI} characters at most."
    parts = _split(uri)
    if parts is None or parts.username is not None or parts.password is not None:
        return f"{uri!r} is not an address that a browser can be sent to."
    if parts.scheme == "https" and parts.hostname:
        return None
    if _is_loopback(uri) or _PRIVATE_SCHEME.fullmatch(parts.scheme):
        return None
    return f"{uri!r} must begin with https://, http://127.0.0.1 or a scheme of the app's own, such as com.example.app:/."


def _is_loopback(uri: str) -> bool:
    """By its number: what `localhost` leads to is for others to decide."""
    parts = _split(uri)
    if parts is None or parts.scheme != "http" or not parts.hostname:
        return False
    try:
        return ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def _any_port(uri: str) -> str | None:
    """*uri* without its port; `None` if it is no loopback address."""
    parts = _split(uri)
    if parts is None or not _is_loopback(uri) or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return parts._replace(netloc=f"{host}").geturl()


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018 - raises ValueError for what is no number
    except ValueError:
        return None
    return parts


def _listed(scopes: Iterable[str]) -> str:
    return ", ".join(sorted(scopes))
