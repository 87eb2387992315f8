"""One GraphQL request, as a benchmark's rim needs it: nothing but a status and a body."""

from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

TIMEOUT_S = 30


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes


def ask(url: str, body: str) -> Response:
    """POST *body*; raises OSError when nobody is there or no answer comes."""
    return _request("POST", url, body)


def get(url: str) -> Response:
    return _request("GET", url, None)


def _request(method: str, url: str, body: str | None) -> Response:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
    headers = {"content-type": "application/json", "accept": "application/json"} if body else {}
    try:
        connection.request(method, parts.path, body, headers)
        response = connection.getresponse()
        return Response(response.status, response.read())
    except HTTPException as error:
        raise OSError(f"{url} did not answer in HTTP") from error
    finally:
        connection.close()
