"""The Authorization header of a request -> who is asking."""

from datetime import datetime

from user_subgraph.errors import Unauthenticated
from user_subgraph.token_claims import InvalidAccessToken
from user_subgraph.tokens import AccessTokens, Viewer


def viewer_of(authorization: str | None, tokens: AccessTokens, now: datetime) -> Viewer | None:
    """`None` is an anonymous caller: no header at all. A header that proves nothing raises `Unauthenticated`."""
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("The Authorization header must be `Bearer` and an access token.")
    try:
        return tokens.viewer(token.strip(" "), now)
    except InvalidAccessToken as error:
        raise Unauthenticated("The access token is not valid, or it has expired.") from error
