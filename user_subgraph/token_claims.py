"""What an access token (RFC 9068) claims, once it has proved who signed it, for whom, and that it is its time.

The gateway and both subgraphs each have this file, word for word; `tests/contract/token_cases.json` says which tokens
are good.
"""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, Self

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

ALGORITHM = "ES256"
LEEWAY_S = 30
"""So much may the issuer's clock and ours differ."""
LONGEST_TOKEN = 8192

_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_HEADERS = frozenset({"alg", "typ", "kid", "x5t", "x5t#S256"})
"""A header that brings a key (jwk, x5c), says where one is (jku, x5u) or asks for more than we do (crit, b64) is refused."""
_SCOPE = re.compile(r"[ !#-\[\]-~]*")  # RFC 6749, 3.3
_LAST_SECOND = 253_402_300_799  # of the year 9999: later ones are no dates any more


class InvalidAccessToken(Exception):
    """Malformed, forged, expired, not valid yet, or meant for somebody else."""


class Claims(NamedTuple):
    subject: str
    scopes: frozenset[str]
    expires_at: float
    """From then on the token is refused; seconds since the epoch."""
    named: dict[str, Any]
    """All of them, by their names."""


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """Nothing in it is to be believed; *key_id* only says which key to try."""

    key_id: str
    _signed: jws.CompactSignature

    @classmethod
    def read(cls, token: str) -> Self:
        """Raises InvalidAccessToken."""
        try:
            return cls(_key_id(token), jws.extract_compact(token.encode()))
        except (JoseError, ValueError) as error:
            raise InvalidAccessToken from error

    def claims(self, keys: KeySet, issuer: str, audience: str, now: float) -> Claims:
        """Raises InvalidAccessToken. *now*: seconds since the epoch."""
        try:
            if not jws.validate_compact(self._signed, keys, [ALGORITHM]):
                raise InvalidAccessToken
            claims = _json_object(self._signed.payload)
            _registry(issuer, audience, int(now)).validate(claims)
            return _claims(claims)
        except (JoseError, ValueError) as error:
            raise InvalidAccessToken from error


def _key_id(token: str) -> str:
    """Raises ValueError for a token of another kind, or one that does not say which key signed it."""
    if len(token) > LONGEST_TOKEN or not _TOKEN.fullmatch(token):
        raise ValueError("not three parts in base64")
    # Whether the base64 is canonical is seen when all three parts are decoded.
    header = _json_object(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
    kid = header.get("kid")
    if header.get("alg") != ALGORITHM or str(header.get("typ")).lower() not in _TYPES:
        raise ValueError("not an access token")
    if not (isinstance(kid, str) and kid and _HEADERS.issuperset(header)):
        raise ValueError("no kid, or more than that")
    return kid


def _registry(issuer: str, audience: str, now: int) -> JWTClaimsRegistry:
    return JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY_S,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )


def _claims(named: dict[str, Any]) -> Claims:
    """Of claims whose types are right. Raises ValueError for values that a database or a date could not hold."""
    subject, scope = named["sub"], named.get("scope", "")
    if not all(0 <= named.get(date, 0) <= _LAST_SECOND for date in ("exp", "iat", "nbf")):
        raise ValueError("not a date")
    if not (subject.isprintable() and subject.strip()):
        raise ValueError("not a subject")
    if not (isinstance(scope, str) and _SCOPE.fullmatch(scope)):
        raise ValueError("not a scope")
    return Claims(subject, frozenset(scope.split()), named["exp"] + LEEWAY_S, named)


def _json_object(text: bytes) -> dict[str, Any]:
    """Raises ValueError, also for what two readers could understand differently: a name that is there twice, or NaN."""
    try:
        found = _JSON.decode(text.decode())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - all that is wrong with a token is one error
    return found


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is there twice")
    return members


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


_JSON = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_no_number)
