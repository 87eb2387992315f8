"""When a signing key is announced, signs, only verifies, and is done with. Pure.

All follows from when the keys were made, so that any number of services which see the same keys agree without a word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

JWKS_MAX_AGE_S = 300
"""How long a verifier may keep the key set."""
SLACK_S = 60
"""Clocks differ, tokens are taken a little too late, and a folder is not looked at all the time."""


class KeyState(Enum):
    ANNOUNCED = "announced"
    SIGNING = "signing"
    VERIFYING = "verifying"
    RETIRED = "retired"


@dataclass(frozen=True)
class KeyLife:
    """`None`: no other key follows, so it goes on signing."""

    signs_from: datetime
    signs_until: datetime | None
    verifies_until: datetime | None

    def state(self, now: datetime) -> KeyState:
        if self.verifies_until and now >= self.verifies_until:
            return KeyState.RETIRED
        if self.signs_until and now >= self.signs_until:
            return KeyState.VERIFYING
        return KeyState.SIGNING if now >= self.signs_from else KeyState.ANNOUNCED


@dataclass(frozen=True)
class KeyRotation:
    """For how long a key is published before it signs, and after it has signed."""

    announced_for: timedelta
    verifies_for: timedelta

    @classmethod
    def of_tokens_living(cls, access_token_ttl_s: int) -> "KeyRotation":
        return cls(
            timedelta(seconds=JWKS_MAX_AGE_S + SLACK_S), timedelta(seconds=access_token_ttl_s + SLACK_S)
        )

    def lives(self, made_at: Sequence[datetime]) -> list[KeyLife]:
        """One for each of *made_at*, which are in order. The first signs at once: there is no other."""
        begins = [
            made + (self.announced_for if place else timedelta(0)) for place, made in enumerate(made_at)
        ]
        return [
            KeyLife(begin, end, end and end + self.verifies_for)
            for begin, end in zip(begins, [*begins[1:], None], strict=True)
        ]

    def signing(self, made_at: Sequence[datetime], now: datetime) -> int:
        """The place of the key that signs; the first one if the clock is behind that of whoever made it."""
        lives = self.lives(made_at)
        return max((place for place, life in enumerate(lives) if now >= life.signs_from), default=0)
