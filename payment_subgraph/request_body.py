"""The raw body of a request, bounded in size, which uvicorn does not do. `http_protocol` bounds the time it may take."""

from starlette.requests import ClientDisconnect, Request


class BodyRefused(Exception):
    """*status* is the HTTP status to answer with."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


async def read_body(request: Request, limit: int) -> bytes:
    """Raises BodyRefused as soon as *limit* bytes are passed, or when the sender has gone."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise BodyRefused(413, "The body is too large.")
    except ClientDisconnect as error:
        raise BodyRefused(400, "The body did not arrive.") from error
    return bytes(body)
