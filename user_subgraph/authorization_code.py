"""What a person's consent gives an app: a code, good once and for a minute, which it changes for tokens. Pure.

Source: RFC 6749, 4.1.2; RFC 7636.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from user_subgraph.user import UserId

CODE_LIFE = timedelta(minutes=1)


@dataclass(frozen=True)
class AuthorizationCode:
    """`scopes`: what was consented to. `amr`: how the person proved who they are, as a session has it.

    `redirect_uri` is `None` where the app has named none, since it has only one. `code_challenge` is of the method S256.
    `session_id` is the session that the code was changed for; `None`: it was not used yet.
    """

    client_id: str
    user_id: UserId
    redirect_uri: str | None
    scopes: frozenset[str]
    code_challenge: str
    amr: str
    expires_at: datetime
    session_id: str | None = None
