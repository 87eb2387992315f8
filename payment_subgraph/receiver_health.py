"""Whether the receiver of our messages takes any, and when to ask it again. Pure.

While it takes none, only one message at a time is tried, less and less often: all others stay untried, and go out at
once when it is back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

DOWN_AFTER: Final = 2
_FIRST_PAUSE: Final = timedelta(seconds=1)
_LONGEST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_ASKED: Final = timedelta(hours=1)


@dataclass(slots=True)
class ReceiverHealth:
    """Of one worker; each finds out for itself. *failures*: rounds in which it took none, since it last took one."""

    failures: int = 0
    closed_until: datetime | None = None

    @property
    def down(self) -> bool:
        return self.failures >= DOWN_AFTER

    def closed(self, now: datetime) -> bool:
        return self.closed_until is not None and now < self.closed_until

    def took(self) -> None:
        self.failures, self.closed_until = 0, None

    def failed(self, now: datetime) -> None:
        self.failures += 1
        if self.down:
            pause = _FIRST_PAUSE * (1 << min(self.failures - DOWN_AFTER, 20))
            self.leave_alone(now, min(pause, _LONGEST_PAUSE))

    def leave_alone(self, now: datetime, asked: timedelta) -> None:
        """At least for as long as it *asked* to be, within reason."""
        until = now + min(asked, _LONGEST_ASKED)
        self.closed_until = max(until, self.closed_until or until)
