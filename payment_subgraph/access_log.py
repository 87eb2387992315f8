"""Each request's id, which its answer has too, and its line in the log."""

import logging
import re
import time
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from ulid import ULID

log = logging.getLogger(__name__)

_HEADER: Final = "x-request-id"
_FIT: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id_of(request: Request) -> str:
    """What `AccessLog` has called it."""
    request_id: str = request.state.request_id
    return request_id


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Stands around the whole application: what the web framework answers by itself has its line as well."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), None
        request_id = _request_id(Headers(scope=scope).get(_HEADER, ""))
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[_HEADER] = request_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            _log(scope, request_id, status, time.perf_counter() - began)


def _request_id(given: str) -> str:
    """The client's own id if it can stand in a log line, else a new one."""
    return given if _FIT.fullmatch(given) else f"req_{ULID()}".lower()


def _log(scope: Scope, request_id: str, status: int | None, took_s: float) -> None:
    log.info(
        "request",
        extra={
            "request_id": request_id,
            "method": scope["method"],
            "path": scope["path"],  # without the query string: a GET carries its variables there
            "status": status,
            "duration_ms": round(took_s * 1000, 1),
        },
    )
