"""Headers that two servers could understand differently are refused: the gateway and a subgraph, say, of whom one takes
the first of two Authorization headers and the other the last."""

from collections import Counter
from collections.abc import Sequence

from gateway.errors import BadRequest

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


def check_unambiguous(headers: Sequence[tuple[bytes, bytes]], forwarded: frozenset[bytes]) -> None:
    """Raises BadRequest. *headers* as ASGI has them; *forwarded*: those that go on to subgraphs."""
    by_name = dict(headers)
    if len(by_name) < len(headers):
        _check_single(headers)
    if b"connection" in by_name:
        _check_connection(headers, forwarded)
    if by_name.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        raise UnknownTransferCoding("The only transfer coding that is understood is 'chunked'.")


def _check_single(headers: Sequence[tuple[bytes, bytes]]) -> None:
    counts = Counter(name for name, _ in headers)
    for name in sorted(SINGLE & counts.keys()):
        if counts[name] > 1:
            raise BadRequest(f"The header '{name.decode()}' is there more than once.")


def _check_connection(headers: Sequence[tuple[bytes, bytes]], forwarded: frozenset[bytes]) -> None:
    """A header that Connection names is for the next server alone, and an honest client names none of these."""
    values = b",".join(value for name, value in headers if name == b"connection")
    named = {each.strip().lower() for each in values.split(b",")}
    hop_by_hop = sorted(named & (SINGLE | forwarded))
    if hop_by_hop:
        raise BadRequest(f"The header 'connection' must not name '{hop_by_hop[0].decode()}'.")
