"""Posts events to the one receiver until it answers 2xx.

A process may die after an event went out and before that is written. It goes out again then, under the same id: at
least once is what can be promised, and the receiver drops what it has.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from user_subgraph.clock import Clock
from user_subgraph.database import Database
from user_subgraph.user_event import UserEvent, next_try
from user_subgraph.user_event_repository import UserEventRepository
from user_subgraph.webhook_signature import signed_headers

logger = logging.getLogger(__name__)

BATCH = 10
TIMEOUT_S = 10


@dataclass(frozen=True)
class Receiver:
    """Where events go, and the keys they are signed with. Redirects are not followed: who is told is a setting."""

    url: str = field(repr=False)
    keys: Sequence[bytes] = field(repr=False)

    def post(self, event: UserEvent, timestamp: int) -> str | None:
        """`None` if it was taken, else why not."""
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        headers = signed_headers(self.keys, event.id, timestamp, event.body)
        try:
            connection.request(
                "POST", parts.path or "/", event.body, {"content-type": "application/json", **headers}
            )
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            return type(error).__name__
        finally:
            connection.close()
        return None if 200 <= status < 300 else f"status {status}"


@dataclass(frozen=True)
class UserEventDelivery:
    database: Database
    receiver: Receiver
    clock: Clock

    def round(self) -> int:
        """Sends what is due; gives how many events the receiver took. No transaction is open meanwhile."""
        now = self.clock()
        with self.database.reading() as session:
            if not UserEventRepository(session).has_due(now):
                return 0
        with self.database.writing() as session:
            events = UserEventRepository(session).claim(now, BATCH)
        return sum(self._deliver(event) for event in events)

    def _deliver(self, event: UserEvent) -> bool:
        now = self.clock()
        error = self.receiver.post(event, int(now.timestamp()))
        with self.database.writing() as session:
            outbox = UserEventRepository(session)
            if error is None:
                outbox.settle(event, delivered_at=now, last_error=None)
            else:
                outbox.settle(event, next_attempt_at=next_try(event.attempts, now), last_error=error)
        if error is not None:
            logger.warning("event %s was not taken: %s", event.id, error)
        return error is None
