"""The head of a request, between bytes and what they mean. Source: RFC 9112."""

from functools import lru_cache
from urllib.parse import unquote

import httptools

from gateway.clients.exchange import RequestLine
from gateway.headers import RawHeaders

OF_UPGRADES = frozenset({b"upgrade", b"http2-settings"})

KNOWN_LINES = 256
LONGEST_KNOWN_LINE = 100
"""Most requests have one of few request lines, so what each of them means is remembered."""


def written_head(parser: httptools.HttpRequestParser, url: bytes, headers: RawHeaders) -> bytes:
    """What the parser has read, with these headers."""
    version = parser.get_http_version().encode("ascii")
    lines = [b"%b %b HTTP/%b\r\n" % (parser.get_method(), url, version)]
    lines += [b"%b: %b\r\n" % each for each in headers]
    return b"".join(lines) + b"\r\n"


def without_offer(headers: RawHeaders) -> RawHeaders:
    """Without an offer of another protocol. Connection may say more than that, which still holds."""
    kept = []
    for name, value in headers:
        if name == b"connection":
            kept.append((name, _without_names(value)))
        elif name not in OF_UPGRADES:
            kept.append((name, value))
    return kept


def _without_names(connection: bytes) -> bytes:
    names = [each.strip() for each in connection.split(b",")]
    return b", ".join(each for each in names if each.lower() not in OF_UPGRADES)


def request_line(method: bytes, url: bytes) -> RequestLine:
    return (
        _known_request_line(method, url)
        if len(url) <= LONGEST_KNOWN_LINE
        else _read_request_line(method, url)
    )


def _read_request_line(method: bytes, url: bytes) -> RequestLine:
    """Raises HttpParserInvalidURLError."""
    parsed = httptools.parse_url(url)
    path = (parsed.path or b"/").decode("ascii")
    return RequestLine(method.decode("ascii"), unquote(path) if "%" in path else path, parsed.query or b"")


_known_request_line = lru_cache(KNOWN_LINES)(_read_request_line)
