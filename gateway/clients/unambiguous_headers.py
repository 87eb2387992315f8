"""Headers that two servers could understand differently are refused: the gateway and a subgraph, say, of whom one takes
the first of two Authorization headers and the other the last."""

from collections import Counter

from gateway.errors import BadRequest
from gateway.headers import RawHeaders, RequestHeaders

SINGLE = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-type",
        b"host",
        b"origin",
        b"sec-fetch-site",
        b"traceparent",
        b"transfer-encoding",
        b"x-query-plan",
        b"x-request-id",
    }
)
"""Those the gateway or its subgraphs act upon, and which say one thing."""


class UnknownTransferCoding(BadRequest):
    status = 501


def check_unambiguous(headers: RequestHeaders, forwarded: frozenset[bytes]) -> None:
    """Raises BadRequest. *forwarded*: those that go on to subgraphs."""
    if headers.has_repeated():
        _check_single(headers.raw)
    if headers.get(b"connection"):
        _check_connection(headers.raw, forwarded)
    if headers.get(b"transfer-encoding").lower() not in {"", "chunked"}:
        raise UnknownTransferCoding("The only transfer coding that is understood is 'chunked'.")


def _check_single(headers: RawHeaders) -> None:
    counts = Counter(name for name, _ in headers)
    for name in sorted(SINGLE & counts.keys()):
        if counts[name] > 1:
            raise BadRequest(f"The header '{name.decode()}' is there more than once.")


def _check_connection(headers: RawHeaders, forwarded: frozenset[bytes]) -> None:
    """A header that Connection names is for the next server alone, and an honest client names none of these."""
    values = b",".join(value for name, value in headers if name == b"connection")
    named = {each.strip().lower() for each in values.split(b",")}
    hop_by_hop = sorted(named & (SINGLE | forwarded))
    if hop_by_hop:
        raise BadRequest(f"The header 'connection' must not name '{hop_by_hop[0].decode()}'.")
