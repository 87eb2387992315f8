"""Which pages may open a WebSocket here.

Browsers let every page open one to every server, and send the server's cookies along; only the Origin header tells
which page it is. Programs other than browsers send none.
"""

from collections.abc import Collection

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def is_welcome(origin: str, host: str, allowed: Collection[str]) -> bool:
    """Whether the page at *origin* comes from this *host* (the Host header), or is one of those *allowed*."""
    return not origin or origin in allowed or _is_same(origin, host)


def _is_same(origin: str, host: str) -> bool:
    scheme, _, authority = origin.lower().partition("://")
    port = _DEFAULT_PORTS.get(scheme)
    if not authority or port is None:
        return False
    return authority.removesuffix(port) == host.lower().removesuffix(port)
