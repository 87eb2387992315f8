"""POST /webhooks/{the processor's name}: verify, store once, and only then say yes. Nothing is acted on here."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.inbox import Inbox
from payment_subgraph.processor import PaymentProcessor, SignatureInvalid
from payment_subgraph.request_body import BodyRefused, read_body

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
        try:
            body = await read_body(request, MAX_BODY_BYTES)
        except BodyRefused as refused:
            return _answer(refused.status, "refused")
        try:
            signature = request.headers.get(self.processor.signature_header, "")
            event = self.processor.verify_event(body, signature, self.secrets, self.clock())
        except (SignatureInvalid, ValueError) as refused:
            log.warning("webhook refused: %s", refused)
            return _answer(400, "refused")
        if event.livemode is not self.processor.livemode:
            log.error("ALERT webhook of the other mode (livemode=%s) refused: %s", event.livemode, event.type)
            return _answer(400, "refused")
        crash_point(CrashPoint.W0_VERIFIED, "WEBHOOK")
        try:
            new = await self.inbox.store([event], self.clock())
        except SQLAlchemyError:
            # Not 2xx: the provider then sends it again, for three days.
            log.exception("webhook %s could not be stored", event.provider_event_id)
            return _answer(503, "try again")
        crash_point(CrashPoint.W1_STORED, "WEBHOOK")
        log.info("webhook %s %s %s", event.provider_event_id, event.type, "stored" if new else "known")
        return _answer(200, "stored")


def _answer(status: int, text: str) -> Response:
    return JSONResponse({"status": text}, status)
