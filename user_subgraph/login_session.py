"""A login and the refresh tokens that descend from it. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from user_subgraph.user import UserId

# Tabs of one browser that wake up together send the same token, but not in the same instant: the first may have
# its answer before the last has asked.
TOGETHER = timedelta(seconds=10)


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

    def is_replayed_at(self, now: datetime) -> bool:
        """Whether the token was used up too long ago for this to be the same client."""
        return self.used_at is not None and now - self.used_at >= TOGETHER
