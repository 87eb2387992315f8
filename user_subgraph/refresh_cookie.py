"""The browser's refresh token, in a cookie that no script can read.

A client asks for it with a header, at each request that is about the cookie. No form, image or link can send that
header, and a script of another site only after the browser has asked (a CORS preflight), so nobody else's page makes a
browser refresh or log out (RFC 6265bis; OWASP, "Custom Request Headers").
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from werkzeug.http import dump_cookie

from user_subgraph.tokens import TokenPair

NAME = "refresh_token"
ASKED_BY = "X-Refresh-Token"
ASKED_WITH = "cookie"


@dataclass(frozen=True)
class CookieAttributes:
    """`path` is that of the address where *browsers* send their operations: the gateway's."""

    path: str
    secure: bool

    def header(self, token: str, max_age_s: int) -> str:
        """The value of `Set-Cookie`. Without a token and with an age of zero it takes the cookie away."""
        return dump_cookie(
            NAME,
            token,
            max_age=max_age_s,
            path=self.path,
            secure=self.secure,
            httponly=True,
            samesite="Strict",
        )


@dataclass
class RefreshCookie:
    """What one request brings and gets of it. Whoever does not ask for it neither brings nor gets any.

    `token` is what the client has, as far as this request has come; `set_cookie` the header that says so, if it changed.
    """

    attributes: CookieAttributes
    asked_for: bool
    token: str | None
    set_cookie: str | None = None

    @classmethod
    def of(
        cls, asked_by: str | None, brought: Sequence[str], attributes: CookieAttributes
    ) -> "RefreshCookie":
        """*asked_by*: the value of the header `ASKED_BY`. *brought*: of all cookies of that name.

        Of several none is taken: another site of the same domain can set one too, and nobody can tell which.
        """
        asked_for = (asked_by or "").strip().lower() == ASKED_WITH
        token = brought[0] if asked_for and len(brought) == 1 else None
        return cls(attributes, asked_for, token or None)

    def carry(self, tokens: TokenPair, max_age_s: int) -> TokenPair:
        """*tokens* as they go into the answer: without the refresh token where the cookie carries it."""
        if not self.asked_for or tokens.refresh_token is None:
            return tokens
        self.token = tokens.refresh_token
        self.set_cookie = self.attributes.header(tokens.refresh_token, max_age_s)
        return replace(tokens, refresh_token=None)

    def clear(self) -> None:
        if self.asked_for:
            self.token = None
            self.set_cookie = self.attributes.header("", 0)
