"""HTTP responses in one piece."""

from dataclasses import dataclass
from typing import Any

import orjson

from gateway.clients.graphql_over_http import GRAPHQL_RESPONSE, JSON
from gateway.clients.pages import Page
from gateway.headers import Headers

NOSNIFF = (b"x-content-type-options", b"nosniff")
# The rest of the policy stands in the page itself, where this part of it does not count.
UNFRAMED = (b"content-security-policy", b"frame-ancestors 'none'")

JSON_HEADERS: dict[str, Headers] = {
    media: (
        (b"content-type", f"{media}; charset=utf-8".encode()),
        (b"cache-control", b"no-store"),
        NOSNIFF,
    )
    for media in (JSON, GRAPHQL_RESPONSE)
}


@dataclass(slots=True)
class Reply:
    status: int
    body: bytes
    headers: Headers = ()


def json_reply(status: int, body: Any) -> Reply:
    return Reply(status, orjson.dumps(body), JSON_HEADERS[JSON])


def page_reply(page: Page | None) -> Reply:
    """None: there is no such page."""
    if page is None:
        return Reply(404, b"Not found.\n", ((b"content-type", b"text/plain; charset=utf-8"),))
    headers: Headers = (
        (b"content-type", page.content_type.encode()),
        (b"cache-control", page.cache_control.encode()),
        NOSNIFF,
    )
    if page.content_type.startswith("text/html"):
        headers += (UNFRAMED,)
    if page.varies:
        headers += ((b"vary", b"accept-encoding"),)
    if page.content_encoding:
        headers += ((b"content-encoding", page.content_encoding.encode()),)
    return Reply(page.status, page.body, headers)
