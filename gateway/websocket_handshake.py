"""Which pages may open a WebSocket here, and with what.

Browsers let every page open one to every server, and send the server's cookies along; only the Origin header tells
which page it is. Programs other than browsers send none.
"""

from gateway.cross_origin import CrossOrigin, CrossSiteRequest
from gateway.graphql_over_http import RequestHeaders
from gateway.subgraph_client import forwarded
from gateway.subgraph_transport import Headers
from gateway.unambiguous_headers import check_unambiguous

CREDENTIALS = frozenset({b"authorization", b"cookie"})
"""What browsers add by themselves."""

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class WebSocketHandshake:
    """Judges handshakes by the rules that hold for HTTP."""

    def __init__(
        self, cross_origin: CrossOrigin, forwarded_names: frozenset[bytes], *, credentials: bool
    ) -> None:
        """*credentials*: whether browsers may send them from pages of other sites."""
        self._cross_origin = cross_origin
        self._forwarded = forwarded_names
        self._credentials = credentials

    def headers_down(self, raw: list[tuple[bytes, bytes]]) -> Headers:
        """The handshake's headers that subgraphs get to see. Raises BadRequest when it is to be refused."""
        check_unambiguous(raw, self._forwarded)
        down = forwarded(raw, self._forwarded)
        headers = RequestHeaders(raw)
        origin = headers.get("origin")
        if not origin or is_same_origin(origin, headers.get("host")):
            return down
        if not self._cross_origin.allows(origin):
            raise CrossSiteRequest("Pages of other sites may not open a WebSocket here.")
        return down if self._credentials else tuple(each for each in down if each[0] not in CREDENTIALS)


def is_same_origin(origin: str, host: str) -> bool:
    """Whether the page at *origin* comes from this *host* (the Host header)."""
    scheme, _, authority = origin.lower().partition("://")
    port = _DEFAULT_PORTS.get(scheme)
    if not authority or port is None:
        return False
    return authority.removesuffix(port) == host.lower().removesuffix(port)
