"""POST /webhooks/stripe: verify, store once, and only then say yes. Nothing is acted on here."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from payment_subgraph.inbox import Inbox
from payment_subgraph.processor import PaymentProcessor, SignatureInvalid

log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 512 * 1024


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Any of *secrets* may have signed: two are in use while one is being replaced. None: the door is shut."""

    inbox: Inbox
    processor: PaymentProcessor
    secrets: Sequence[str]
    clock: Callable[[], datetime]

    async def respond(self, request: Request) -> Response:
        if not self.secrets:
            return _answer(404, "not found")
        body = await _body(request)
        if body is None:
            return _answer(413, "too large")
        try:
            signature = request.headers.get("stripe-signature", "")
            event = self.processor.verify_event(body, signature, self.secrets, self.clock())
        except (SignatureInvalid, ValueError) as refused:
            log.warning("webhook refused: %s", refused)
            return _answer(400, "refused")
        if event.livemode is not self.processor.livemode:
            log.error("ALERT webhook of the other mode (livemode=%s) refused: %s", event.livemode, event.type)
            return _answer(400, "refused")
        try:
            new = await self.inbox.store([event], self.clock())
        except SQLAlchemyError:
            # Not 2xx: the provider then sends it again, for three days.
            log.exception("webhook %s could not be stored", event.provider_event_id)
            return _answer(503, "try again")
        log.info("webhook %s %s %s", event.provider_event_id, event.type, "stored" if new else "known")
        return _answer(200, "stored")


async def _body(request: Request) -> bytes | None:
    """The raw bytes that were signed, or None when there are too many."""
    chunks = bytearray()
    try:
        async for chunk in request.stream():
            chunks += chunk
            if len(chunks) > MAX_BODY_BYTES:
                return None
    except ClientDisconnect:
        return None
    return bytes(chunks)


def _answer(status: int, text: str) -> Response:
    return JSONResponse({"status": text}, status)
