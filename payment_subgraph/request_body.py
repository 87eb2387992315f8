"""The raw body of a request, bounded in size and in time: uvicorn bounds neither."""

import asyncio

from starlette.requests import ClientDisconnect, Request

_WITHIN_S = 15


class BodyRefused(Exception):
    """*status* is the HTTP status to answer with."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


async def read_body(request: Request, limit: int) -> bytes:
    """Raises BodyRefused as soon as *limit* bytes are passed, or when the sender stops sending."""
    body = bytearray()
    try:
        async with asyncio.timeout(_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise BodyRefused(413, "The body is too large.")
    except TimeoutError as error:
        raise BodyRefused(408, "The body did not arrive in time.") from error
    except ClientDisconnect as error:
        raise BodyRefused(400, "The body did not arrive.") from error
    return bytes(body)
