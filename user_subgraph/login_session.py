"""A login and the refresh tokens that descend from it. Pure.

The tokens of a session come in generations. Whoever brings one of the newest generation begins the next; whoever is
behind gets one of the newest, so that clients who share a login (the tabs of a browser) are soon together again. A
generation may hold several tokens: one for each time that somebody brought its predecessor.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from user_subgraph.user import UserId

# Tabs of one browser that wake up together send the same token, but not in the same instant: the first may have
# its answer, and have used that too, before the last has asked.
TOGETHER = timedelta(seconds=10)
FIRST_GENERATION = 1
_SESSION_ID = re.compile(r"ses_[0-9a-hjkmnp-tv-z]{26}")


def is_session_id(text: str) -> bool:
    """Whether *text* has the form of our ids; anything else is no session, and may be no text for a database."""
    return _SESSION_ID.fullmatch(text) is not None


@dataclass(frozen=True)
class LoginSession:
    """One login. `asked_scopes` is what the client wanted then; `None`: whatever the roles allow.

    `ip_address` and `user_agent` are those of its last use, as far as they are known.

    `amr`: how the person proved who they are, in RFC 8176's words, space-separated.

    `client_id`: the app that the person has let in, and `client_name` what it is called; `None`: they have logged in
    themselves.
    """

    id: str
    user_id: UserId
    asked_scopes: frozenset[str] | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    generation: int = FIRST_GENERATION
    ip_address: str | None = None
    user_agent: str | None = None
    amr: str = "pwd"
    client_id: str | None = None
    client_name: str | None = None

    @property
    def in_words(self) -> str:
        """For the person whose login it is. What a program calls itself is left out: it may be a thief's."""
        what = (
            f'the app "{self.client_name}"' if self.client_name else "a login with your password or a passkey"
        )
        return f"{what}, since {self.created_at:%Y-%m-%d, %H:%M} UTC"

    def runs_at(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True)
class Successor:
    """The generation after a token's. It is used as soon as anybody has brought a token of it."""

    began_at: datetime
    is_used: bool


@dataclass(frozen=True)
class PresentedToken:
    """A refresh token somebody brought, as we know it. `successor` is `None` for the newest generation."""

    generation: int
    successor: Successor | None
    session: LoginSession

    def is_replayed_at(self, now: datetime) -> bool:
        """Whether this cannot be the client that the token was given to.

        That client has gone on with a token of the next generation; unless its answer was lost, but then that
        generation is not used; or unless it is one of several tabs, but these come together.
        """
        return (
            self.successor is not None
            and self.successor.is_used
            and now - self.successor.began_at >= TOGETHER
        )

    @property
    def next_generation(self) -> int:
        """The one of the token that is given for this one: a new generation only after the newest."""
        return max(self.session.generation, self.generation + 1)
