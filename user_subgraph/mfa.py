"""The second factor: what proves it, how often may be guessed, and when a login is fresh enough. Pure."""

import math
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from user_subgraph.login_session import LoginSession
from user_subgraph.user import User, UserId

CHALLENGE_LIFE = timedelta(minutes=5)
# Of a million codes three are good at a time: at this pace who knows the password guesses one in two years on average.
MOST_GUESSES = 5
GUESSING_WINDOW = timedelta(minutes=15)


class MfaMethod(Enum):
    TOTP = "TOTP"
    RECOVERY_CODE = "RECOVERY_CODE"
    PASSKEY = "PASSKEY"


def method_of(code: str) -> MfaMethod:
    """Which of the two somebody has typed, or a device has answered: in JSON."""
    if code.startswith("{"):
        return MfaMethod.PASSKEY
    return MfaMethod.TOTP if code.replace(" ", "").isdecimal() else MfaMethod.RECOVERY_CODE


# RFC 8176. A recovery code proves a second factor too, but no one-time password of a device. Whether a passkey's key is in
# hardware is not asked, so it is told as one in software.
PASSKEY_ALONE = "swk user mfa"
AMR_OF = {
    MfaMethod.TOTP: "pwd otp mfa",
    MfaMethod.RECOVERY_CODE: "pwd mfa",
    MfaMethod.PASSKEY: f"pwd {PASSKEY_ALONE}",
}


@dataclass(frozen=True)
class Challenge:
    """Somebody knew the password, and is asked for the second factor.

    `user_id`: `None` where nothing is known of them yet, and a passkey has to say it all.
    """

    user_id: UserId | None
    asked_scopes: frozenset[str] | None
    expires_at: datetime


def new_challenge_id() -> str:
    """Random, so that nobody brings it but who was given it. It is what a passkey signs, too."""
    return f"mfa_{secrets.token_urlsafe(32)}"


@dataclass(frozen=True)
class Guesses:
    """Wrong codes of one user in the window that began with the first of them."""

    count: int
    since: datetime | None

    def wait_s(self, now: datetime) -> int:
        """Until the next guess is allowed; 0: now."""
        if self.since is None or self.count < MOST_GUESSES:
            return 0
        return max(0, math.ceil((self.since + GUESSING_WINDOW - now).total_seconds()))

    def one_more(self, now: datetime) -> "Guesses":
        if self.since is None or now >= self.since + GUESSING_WINDOW:
            return Guesses(1, now)
        return replace(self, count=self.count + 1)


NO_GUESSES = Guesses(0, None)


def is_fresh(login: LoginSession, user: User, now: datetime, within: timedelta) -> bool:
    """Whether *login* may do what could cost the account: it is recent, and has proved all that the account asks for.

    An app never may: whoever let it in did not mean that.
    """
    proved = not user.mfa_enabled or "mfa" in login.amr.split()
    return login.client_id is None and proved and now - login.created_at < within
