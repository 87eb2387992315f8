"""Who may see the metrics. They tell what an API is used for and how well it does, which is not for everybody."""

from collections.abc import Callable
from ipaddress import ip_address

from gateway.clients.exchange import Exchange
from gateway.settings import Shown
from gateway.telemetry.prometheus import Metric, exposition

METRICS = "/metrics"
OPERATORS_PATHS = frozenset({METRICS, "/healthz", "/readyz"})
"""All that is served at a port of the metrics' own."""

PASSED_ON = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")
"""With one of these somebody else asks, through a proxy on this machine."""


class MetricsPage:
    def __init__(self, metrics: Callable[[], tuple[Metric, ...]], shown: Shown, own_port: int) -> None:
        """*own_port*: the one port where they are shown; 0: the gateway's."""
        self._metrics = metrics
        self._shown = shown
        self._own_port = own_port

    def hides(self, exchange: Exchange) -> bool:
        """Whether there is nothing to be seen at this address of this port."""
        if exchange.path != METRICS and not self._own_port:
            return False
        is_own = self._own_port != 0 and exchange.port == self._own_port
        if exchange.path != METRICS:
            return is_own and exchange.path not in OPERATORS_PATHS
        is_elsewhere = self._own_port != 0 and not is_own
        return (
            is_elsewhere
            or self._shown is Shown.OFF
            or (self._shown is Shown.LOCAL and not _is_local(exchange))
        )

    def content(self) -> bytes:
        return exposition(self._metrics())


def _is_local(exchange: Exchange) -> bool:
    client = exchange.client_host
    if client is None or any(exchange.headers.get(name) for name in PASSED_ON):
        return False
    address = ip_address(client)
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
