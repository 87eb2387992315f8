"""Who is asking, and what their token lets them do. Pure."""

from dataclasses import dataclass
from typing import Final

from payment_subgraph.errors import Forbidden, Scopes, Unauthenticated

READ: Final[Scopes] = (("payments:read",), ("payments:read:any",))
READ_ANY: Final[Scopes] = (("payments:read:any",),)
WRITE: Final[Scopes] = (("payments:write",), ("payments:write:any",))
WRITE_ANY: Final[Scopes] = (("payments:write:any",),)
REFUND: Final[Scopes] = (("refunds:write",),)
MANAGE_WEBHOOKS: Final[Scopes] = (("webhooks:manage",),)
READ_DISPUTES: Final[Scopes] = (("disputes:read",),)
READ_LEDGER: Final[Scopes] = (("ledger:read",),)
READ_REPORTS: Final[Scopes] = (("reports:read",),)


@dataclass(frozen=True, slots=True)
class Viewer:
    """The caller; *user_id* is None for an anonymous one. *expires_at*: seconds since the epoch.

    A machine acts under its client id, but is no user: nothing is its own, and it pays for others only.
    """

    user_id: str | None
    scopes: frozenset[str]
    expires_at: float | None = None
    is_machine: bool = False

    def require(self, alternatives: Scopes) -> None:
        """Raise unless every scope of one alternative is held."""
        if self.user_id is None:
            raise Unauthenticated
        if not self.holds(alternatives):
            raise Forbidden(alternatives)

    def holds(self, alternatives: Scopes) -> bool:
        return self.user_id is not None and any(self.scopes.issuperset(needed) for needed in alternatives)

    @property
    def payer_id(self) -> str:
        """Who pays if nobody else is named; empty where that must be somebody else."""
        return "" if self.is_machine else self.user_id or ""

    def owns(self, owner_id: str | None) -> bool:
        return owner_id is not None and self.user_id == owner_id and not self.is_machine

    def may_read(self, owner_id: str | None) -> bool:
        """Own payments need payments:read, everyone else's and nobody's payments:read:any."""
        return self.holds(READ_ANY) or (self.owns(owner_id) and self.holds(READ))

    def may_write(self, owner_id: str | None) -> bool:
        return self.holds(WRITE_ANY) or (self.owns(owner_id) and self.holds(WRITE))


ANONYMOUS: Final = Viewer(None, frozenset())
SYSTEM: Final = Viewer("system", frozenset({"payments:write:any"}))
"""The worker, for what it does of its own accord. The user service gives nobody such an id."""
