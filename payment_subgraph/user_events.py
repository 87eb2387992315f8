"""POST /events/users: what the user service tells. Verify, store once, and only then say yes. Nothing is acted on here."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from payment_subgraph.erased_owners import ErasedOwners
from payment_subgraph.request_body import BodyRefused, read_body
from payment_subgraph.webhook_signature import verify

log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 16 * 1024
ERASED: Final = "user.erased"
_LONGEST_ID: Final = 64


@dataclass(frozen=True, slots=True)
class UserEventsEndpoint:
    """Any of *keys* may have signed: two are in use while one is being replaced. None: the door is shut."""

    owners: ErasedOwners
    keys: Sequence[bytes] = field(repr=False)
    clock: Callable[[], datetime]

    async def respond(self, request: Request) -> Response:
        if not self.keys:
            return _answer(404, "not found")
        try:
            body = await read_body(request, MAX_BODY_BYTES)
            verify(self.keys, request.headers, body, int(self.clock().timestamp()))
            owner_id = _erased(body)
        except BodyRefused as refused:
            return _answer(refused.status, "refused")
        except ValueError as refused:
            log.warning("event of the user service refused: %s", refused)
            return _answer(400, "refused")
        return await self._store(owner_id)

    async def _store(self, owner_id: str | None) -> Response:
        if owner_id is None:
            return _answer(200, "ignored")
        try:
            new = await self.owners.store(owner_id, self.clock())
        except SQLAlchemyError:
            # Not 2xx: it is then sent again, for as long as it takes.
            log.exception("an erasure could not be stored")
            return _answer(503, "try again")
        log.info("erasure of %s %s", owner_id, "stored" if new else "known")
        return _answer(200, "stored")


def _erased(body: bytes) -> str | None:
    """Whom the event says erased; None for one of another type. Raises ValueError for what is no such event."""
    try:
        event: Any = json.loads(body)
        kind, owner_id = event["type"], event["data"]["user"]["id"] if event["type"] == ERASED else None
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("not an event") from error
    if kind != ERASED:
        return None
    if not (
        isinstance(owner_id, str)
        and 0 < len(owner_id) <= _LONGEST_ID
        and owner_id.isascii()
        and owner_id.isprintable()
    ):
        raise ValueError("no user is named")
    return owner_id


def _answer(status: int, text: str) -> Response:
    return JSONResponse({"status": text}, status)
