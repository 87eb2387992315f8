"""Tokens that are mailed: random, known here by their hash only, good for one use. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from user_subgraph.user import User, UserId, UserStatus


class Purpose(StrEnum):
    VERIFY_EMAIL = "VERIFY_EMAIL"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105 - the name of a purpose
    # It sets a password like the one above, and a mail that somebody asks for meanwhile must not end it.
    INVITATION = "INVITATION"
    CHANGE_EMAIL = "CHANGE_EMAIL"


# What either of them is good for, the other is too, and with one all are used up.
SETTING_A_PASSWORD = (Purpose.RESET_PASSWORD, Purpose.INVITATION)


@dataclass(frozen=True)
class OneTimeToken:
    """Who has the token could read the mails of *address* when it was sent there."""

    user_id: UserId
    address: str

    def still_fits(self, user: User) -> bool:
        """An account that was closed, or has another address by now, is not opened by an old mail."""
        return user.email == self.address and may_be_mailed(user)


def may_be_mailed(user: User) -> bool:
    """Whether links to the account are of any use."""
    return user.status in {UserStatus.ACTIVE, UserStatus.PENDING_VERIFICATION}
