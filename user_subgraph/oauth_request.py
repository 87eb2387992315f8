# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Authlib ships no types.
"""What a client of OAuth 2 has sent: its parameters, checked for what no standard allows, and Authlib's view of them."""

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Mapping

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request

# RFC 6749, appendix A. Only `state` is wholly the client's own.
_VALUE = re.compile(r"[ !#-\[\]-~]*")
_STATE = re.compile(r"[ -~]*")
MAX_LENGTH = 2_000
_OF_CONSENT = frozenset({"response_type", "redirect_uri", "scope", "state"})
_OF_PKCE = frozenset({"code_challenge", "code_challenge_method", "code_verifier"})
_OF_TOKENS = frozenset({"grant_type", "code", "refresh_token", "token", "token_type_hint"})
_KNOWN = _OF_CONSENT | _OF_PKCE | _OF_TOKENS | {"client_id", "client_secret"}


class RefusedInOurWords(OAuth2Error):
    """Its description is told as it is. What Authlib raises by itself is told by the kind of the error (oauth_transaction.py)."""


class WrongRequest(RefusedInOurWords):
    error = "invalid_request"


class ClientRequest(OAuth2Request):
    """Of one method to one of our addresses.

    *parameters*: of the query or of the form, whichever the endpoint reads; those without a value count as left out,
    and those that no standard of ours knows are not looked at (RFC 6749, 3.1 and 3.2).
    """

    def __init__(
        self, method: str, url: str, authorization: str | None, parameters: Mapping[str, list[str]]
    ) -> None:
        """Raises `OAuth2Error` for an address that is neither https nor of this machine, and for wrong parameters."""
        super().__init__(method, url, headers=_readable(authorization))
        self.payload = _Parameters(_checked(parameters))

    def require(self, name: str) -> None:
        """Raises `WrongRequest` where that parameter was left out."""
        if not self.form.get(name):
            raise WrongRequest(f"The parameter '{name}' is missing.")

    @property
    def form(self) -> Mapping[str, str]:
        return self.payload.data

    @property
    def args(self) -> Mapping[str, str]:
        return self.payload.data


class _Parameters(OAuth2Payload):
    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    @property
    def data(self) -> Mapping[str, str]:
        return self._values

    @property
    def datalist(self) -> "defaultdict[str, list[str]]":
        return defaultdict(list, {name: [value] for name, value in self._values.items()})


def _checked(parameters: Mapping[str, list[str]]) -> dict[str, str]:
    given = {name: values for name, values in parameters.items() if name in _KNOWN and any(values)}
    if any(len(values) > 1 for values in given.values()):
        raise WrongRequest("A parameter is there twice.")
    found = {name: value for name, (value,) in given.items()}
    for name, value in found.items():
        pattern = _STATE if name == "state" else _VALUE
        if len(value) > MAX_LENGTH or not pattern.fullmatch(value):
            raise WrongRequest("A parameter is too long, or has characters that do not belong there.")
    return found


def _readable(authorization: str | None) -> dict[str, str]:
    """The header, if it is one of HTTP Basic that can be read; anything else proves nothing."""
    scheme, _, credentials = (authorization or "").partition(" ")
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return {}
    return {"Authorization": f"Basic {credentials.strip()}"} if scheme.lower() == "basic" and text else {}
