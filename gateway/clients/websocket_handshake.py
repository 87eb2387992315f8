"""Which pages may open a WebSocket here, and with what.

Browsers let every page open one to every server, and send the server's cookies along; only the Origin header tells
which page it is. Programs other than browsers send none.
"""

from gateway.clients.cross_origin import CrossOrigin, CrossSiteRequest
from gateway.clients.graphql_over_http import Told, authorization
from gateway.clients.unambiguous_headers import check_unambiguous
from gateway.headers import RequestHeaders
from gateway.subgraphs.client import forwarded

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

    def told(self, raw: list[tuple[bytes, bytes]]) -> Told:
        """What the handshake's headers tell about all operations. Raises BadRequest when it is to be refused."""
        headers = RequestHeaders(raw)
        check_unambiguous(headers, self._forwarded)
        origin = headers.get(b"origin")
        if origin and not is_same_origin(origin, headers.get(b"host")):
            if not self._cross_origin.allows(origin):
                raise CrossSiteRequest("Pages of other sites may not open a WebSocket here.")
            if not self._credentials:
                raw = [each for each in raw if each[0] not in CREDENTIALS]
        return Told(forwarded(raw, self._forwarded), authorization(raw))


def is_same_origin(origin: str, host: str) -> bool:
    """Whether the page at *origin* comes from this *host* (the Host header)."""
    scheme, _, authority = origin.lower().partition("://")
    port = _DEFAULT_PORTS.get(scheme)
    if not authority or port is None:
        return False
    return authority.removesuffix(port) == host.lower().removesuffix(port)
