"""A login and the refresh tokens that descend from it. Pure."""

from dataclasses import dataclass
from datetime import datetime

from user_subgraph.user import UserId


@dataclass(frozen=True)
class LoginSession:
    """One login. `asked_scopes` is what the client wanted then; `None`: whatever the roles allow."""

    id: str
    user_id: UserId
    asked_scopes: frozenset[str] | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def runs_at(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True)
class PresentedToken:
    """A refresh token somebody brought, as we know it."""

    token_hash: str
    used_at: datetime | None
    session: LoginSession

    def was_used_before(self, arrived_at: datetime) -> bool:
        """Whether the token was used up before the request that brings it arrived: then it is a replay."""
        return self.used_at is not None and self.used_at < arrived_at
