"""The tokens that every service must judge alike: token_cases.json, written out.

A case says how its token differs from a good one:

| `header`, `claims` | members to change; null takes one away, `{"in_s": n}` is a time from now, `{"repeat": s, "times": n}` a long text |
| `header_text`, `claims_text` | the whole text instead, for what is no JSON or a strange one; in `encoding` if it is not UTF-8 |
| `signed` | by whom: signatures.SIGNERS |
| `signature` | what becomes of the signature's bytes: signatures.CHANGES |
| `spelled` | how the three parts are written down: spellings.SPELLINGS |
| `authorization` | the Authorization header around `{token}` |

In every text `{issuer}`, `{audience}`, `{kid}` and what else `Issuer.words` has are filled in.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from tests.contract.signatures import ATTACKER, SIGNERS, Change, Signer, changed, ecdsa
from tests.contract.spellings import SPELLINGS, Parts, base64url

Case = dict[str, Any]

_FILE: dict[str, list[Case]] = json.loads(Path(__file__).with_name("token_cases.json").read_text())
ACCEPTED: dict[str, Case] = {case["name"]: case for case in _FILE["accepted"]}
"""Each with the `scopes` it gives."""
REFUSED: dict[str, Case] = {case["name"]: case for case in _FILE["refused"]}


@dataclass(frozen=True)
class Issuer:
    """Whoever issues the tokens a service believes. *now* gives seconds since the epoch."""

    issuer: str
    audience: str
    key: ECKey
    now: Callable[[], float] = time.time

    def authorization(self, case: Case) -> str:
        """The Authorization header of a case, each character a byte."""
        written: str = case.get("authorization", "Bearer {token}")
        return written.replace("{token}", self._written(case)) if "{token}" in written else written

    def token(self, *, key: ECKey | None = None, **claims: Any) -> str:
        """A good token but for what is given."""
        signing = key or self.key
        head = {"alg": "ES256", "typ": "at+jwt", "kid": signing.kid}
        parts = (json.dumps(head).encode(), json.dumps(self._claims(claims)).encode())
        return _spelled(parts, lambda text: ecdsa(signing, text), {})

    def words(self) -> dict[str, str]:
        header, claims = json.dumps(self._header({})), json.dumps(self._claims({}))
        return {
            "{issuer}": self.issuer,
            "{ISSUER}": self.issuer.upper(),
            "{audience}": self.audience,
            "{AUDIENCE}": self.audience.upper(),
            "{kid}": str(self.key.kid),
            "{usual header}": header[1:-1],
            "{usual claims}": claims[1:-1],
            "{now}": str(int(self.now())),
            "{deep}": "[" * 1500 + "]" * 1500,
            "{digits}": "9" * 5000,
            "{the attacker's jwk}": json.dumps(ATTACKER.as_dict(private=False)),
        }

    def _written(self, case: Case) -> str:
        header, claims = self._header(case.get("header", {})), self._claims(case.get("claims", {}))
        head = self._text(case.get("header_text"), header, case.get("encoding", "utf-8"))
        payload = self._text(case.get("claims_text"), claims, case.get("encoding", "utf-8"))
        sign = self._signer(case.get("signed", "by the issuer"))
        return _spelled((head, payload), sign, case)

    def _signer(self, signed: Any) -> Signer:
        return lambda text: SIGNERS[signed["by"] if isinstance(signed, dict) else signed](
            self.key, text, signed
        )

    def _text(self, text: str | None, members: dict[str, Any], encoding: str) -> bytes:
        filled = json.dumps(members) if text is None else self._filled(text)
        return filled.encode(encoding)

    def _header(self, changes: dict[str, Any]) -> dict[str, Any]:
        return self._changed({"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid}, changes)

    def _claims(self, changes: dict[str, Any]) -> dict[str, Any]:
        now = int(self.now())
        usual = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": "usr_1",
            "sid": "ses_1",
            "scope": "a b",
            "iat": now,
            "exp": now + 600,
            "jti": "tok_1",
        }
        return self._changed(usual, changes)

    def _changed(self, usual: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        members = usual | {name: self._value(value) for name, value in changes.items()}
        return {name: value for name, value in members.items() if value is not None}

    def _value(self, value: Any) -> Any:
        match value:
            case {"in_s": seconds}:
                return int(self.now()) + seconds
            case {"repeat": text, "times": times}:
                return text * times
            case "{the attacker's jwk}":
                return ATTACKER.as_dict(private=False)
            case str():
                return self._filled(value)
            case list():
                return [self._value(each) for each in value]
        return value

    def _filled(self, text: str) -> str:
        for word, meaning in self.words().items():
            text = text.replace(word, meaning)
        return text


def _spelled(texts: tuple[bytes, bytes], sign: Callable[[bytes], bytes], case: Case) -> str:
    head, payload = (base64url(text) for text in texts)
    signature: Change = changed(case.get("signature"))
    parts = Parts(head, payload, signature(sign(f"{head}.{payload}".encode())))
    return SPELLINGS[case.get("spelled", "as it should be")](parts)
