"""How often each thing may be done: the table of bounds. Pure.

An account is an e-mail address as it was given, whether or not anybody has it here: else the refusals would tell.
A client is a network address (`client_address.client_network`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

_TEXT = re.compile(r"(\d{1,6}) per (\d{1,6}) (second|minute|hour)s?", re.ASCII)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
# Each of what is counted is remembered for as long as this.
MAX_WINDOW_S = 24 * 3600
MAX_MOST = 100_000


@dataclass(frozen=True)
class Bound:
    """At most *most* within any *window_s* seconds, wherever these begin."""

    most: int
    window_s: int

    @classmethod
    def read(cls, text: str) -> "Bound | None":
        """Of a text such as `10 per 15 minutes`; `None` if it says no bound, or one that nobody can mean."""
        match = _TEXT.fullmatch(text)
        if match is None:
            return None
        most, count, unit = match.groups()
        bound = cls(int(most), int(count) * _SECONDS[unit])
        sensible = 1 <= bound.most <= MAX_MOST and 1 <= bound.window_s <= MAX_WINDOW_S
        return bound if sensible else None


class Throttled(Enum):
    """What is bounded. The names stand in the settings: `THROTTLE_LOGIN_PER_ACCOUNT`."""

    LOGIN = "login"  # wrong passwords
    # Wrong passwords of who is logged in. Not counted with LOGIN: a stranger's guesses must not keep an owner from
    # choosing another password, and a stolen access token makes guesses of its own no way around a bound.
    REAUTHENTICATION = "reauthentication"
    REGISTRATION = "registration"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of an action; refresh tokens that are not valid
    PASSKEY_LOGIN = "passkey_login"  # begun without a password; each waits in the database
    MAIL = "mail"  # mails that somebody asks for
    # Mails that tell an owner what was done, of each kind: who logs in as somebody is not to fill their mailbox.
    NOTICE = "notice"
    EMAIL_CHANGE = "email_change"  # mails to whatever address who is logged in says is theirs


@dataclass(frozen=True)
class Bounds:
    """Of one action. `None` is not bounded. *in_all*: by whomever it is done, and for which account."""

    per_account: Bound | None = None
    per_client: Bound | None = None
    in_all: Bound | None = None


BOUNDS: Mapping[Throttled, Bounds] = {
    Throttled.LOGIN: Bounds(per_account=Bound(10, 15 * 60), per_client=Bound(100, 15 * 60)),
    Throttled.REAUTHENTICATION: Bounds(per_account=Bound(10, 15 * 60)),
    Throttled.REGISTRATION: Bounds(per_account=Bound(5, 3600), per_client=Bound(50, 3600)),
    # In all, too: each leaves a record in the audit log, which nobody can take away, and addresses cost nothing.
    Throttled.MAIL: Bounds(per_account=Bound(5, 3600), per_client=Bound(50, 3600), in_all=Bound(1_000, 3600)),
    Throttled.NOTICE: Bounds(per_account=Bound(5, 3600)),
    Throttled.EMAIL_CHANGE: Bounds(per_account=Bound(5, 3600)),
    Throttled.PASSKEY_LOGIN: Bounds(per_client=Bound(100, 15 * 60)),
    Throttled.REFRESH_TOKEN: Bounds(per_client=Bound(100, 15 * 60)),
}
