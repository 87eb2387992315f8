"""The tokens that every service must judge alike: token_cases.json, written out.

A case changes the header or the claims of a good token (null takes one away, `{"in_s": n}` is a time from now), or how
it is signed, or is a whole Authorization header of its own.
"""

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CASES: dict[str, dict[str, Any]] = {
    case["name"]: case for case in json.loads(Path(__file__).with_name("token_cases.json").read_text())
}


@dataclass(frozen=True)
class Issuer:
    """Whoever issues the tokens a service believes."""

    issuer: str
    audience: str
    key: ECKey

    def authorization(self, name: str) -> str:
        """The Authorization header of a case."""
        case = CASES[name]
        return case["authorization"] if "authorization" in case else f"Bearer {self._token(case)}"

    def token(self, *, key: ECKey | None = None, **claims: Any) -> str:
        """A good token but for what is given."""
        return self.signed({}, self._claims(claims), key or self.key)

    def _token(self, case: dict[str, Any]) -> str:
        claims, header = self._claims(case.get("claims", {})), case.get("header", {})
        return SIGNERS[case.get("signed", "by the issuer")](self, header, claims)

    def signed(self, header: dict[str, Any], claims: dict[str, Any], key: ECKey) -> str:
        return jwt.encode(self._header(header, key), claims, key, default_type=None)

    def by_hand(self, algorithm: str, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """What is signed: the library refuses to take part in what follows."""
        return f"{_part(self._header(header, self.key) | {'alg': algorithm})}.{_part(claims)}"

    def _header(self, changes: dict[str, Any], key: ECKey) -> dict[str, Any]:
        changes = {name: self.key.kid if value == "KID" else value for name, value in changes.items()}
        return _without_nulls({"alg": "ES256", "typ": "at+jwt", "kid": key.kid} | changes)

    def _claims(self, changes: dict[str, Any]) -> dict[str, Any]:
        now = int(time.time())
        usual = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": "usr_1",
            "scope": "a b",
            "iat": now,
            "exp": now + 600,
        }
        return _without_nulls(usual | {name: self._value(value, now) for name, value in changes.items()})

    def _value(self, value: Any, now: int) -> Any:
        if isinstance(value, dict) and "in_s" in value:
            return now + value["in_s"]
        if isinstance(value, list):
            return [self.audience if each == "AUDIENCE" else each for each in value]
        return value


def _without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _part(content: dict[str, Any]) -> str:
    return _text(json.dumps(content).encode())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _by_another_key(issuer: Issuer, header: dict[str, Any], claims: dict[str, Any]) -> str:
    return issuer.signed(header, claims, ECKey.generate_key("P-256", auto_kid=True))


def _by_an_rsa_key(issuer: Issuer, header: dict[str, Any], claims: dict[str, Any]) -> str:
    head = header | {"alg": "RS256", "typ": "at+jwt", "kid": issuer.key.kid}
    return jwt.encode(head, claims, RSAKey.generate_key(2048))


def _with_the_public_key(issuer: Issuer, header: dict[str, Any], claims: dict[str, Any]) -> str:
    signed = issuer.by_hand("HS256", header, claims)
    mac = hmac.digest(issuer.key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{_text(mac)}"


def _before_the_change(issuer: Issuer, header: dict[str, Any], claims: dict[str, Any]) -> str:
    head, _, signature = issuer.signed(header, claims, issuer.key).split(".")
    return f"{head}.{_part(claims | {'sub': 'somebody-else'})}.{signature}"


SIGNERS: dict[str, Callable[[Issuer, dict[str, Any], dict[str, Any]], str]] = {
    "by the issuer": lambda issuer, header, claims: issuer.signed(header, claims, issuer.key),
    "by another key": _by_another_key,
    "by an RSA key": _by_an_rsa_key,
    "with the public key as a secret": _with_the_public_key,
    "before the claims were changed": _before_the_change,
    "not at all": lambda issuer, header, claims: issuer.by_hand("none", header, claims) + ".",
    "and cut off": lambda issuer, header, claims: issuer.by_hand("ES256", header, claims) + ".",
}
"""How a token is signed: (issuer, changes of the header, claims) -> token"""
