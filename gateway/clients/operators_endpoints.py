"""What whoever runs the gateway wants to know: `/healthz`, `/readyz` and `/metrics`."""

from gateway.clients.exchange import Exchange
from gateway.clients.metrics_page import METRICS, MetricsPage
from gateway.clients.reply import Reply, json_reply
from gateway.open_streams import OpenStreams
from gateway.overload import Admission
from gateway.serving import Current
from gateway.settings import Settings
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.process_metrics import process_metrics
from gateway.telemetry.prometheus import CONTENT_TYPE, Gauge, Metric


class OperatorsEndpoints:
    def __init__(
        self,
        settings: Settings,
        serving: Current,
        metrics: Metrics,
        admission: Admission,
        streams: OpenStreams,
    ) -> None:
        self._serving = serving
        self._metrics = metrics
        self._admission = admission
        self._streams = streams
        self._metrics_page = MetricsPage(self._all_metrics, settings.metrics, settings.metrics_port)
        self.is_draining = False
        """Whether load balancers and clients are asked to go elsewhere, while everything is still answered."""

    def hide(self, exchange: Exchange) -> bool:
        """Whether the path does not exist for this caller, or at this port."""
        return self._metrics_page.hides(exchange)

    async def reply(self, path: str) -> Reply:
        """*path* is one of `OPERATORS_PATHS`."""
        if path == METRICS:
            return Reply(200, self._metrics_page.content(), ((b"content-type", CONTENT_TYPE.encode()),))
        return await self._readiness() if path == "/readyz" else json_reply(200, {"status": "ok"})

    async def _readiness(self) -> Reply:
        """The supergraph is loaded before the port is opened, so only the subgraphs are in question."""
        if self.is_draining:
            return json_reply(503, {"status": "draining"})
        unreachable = await self._serving().readiness.unreachable()
        if unreachable:
            return json_reply(503, {"status": "unavailable", "unreachable": unreachable})
        return json_reply(200, {"status": "ok"})

    def _all_metrics(self) -> tuple[Metric, ...]:
        admission, streams = self._admission, self._streams
        return (
            *self._metrics.all(),
            Gauge(
                "gateway_requests_in_progress",
                "GraphQL requests being answered.",
                lambda: admission.in_progress,
            ),
            Gauge("gateway_subscriptions_open", "Subscriptions being served.", lambda: streams.subscriptions),
            Gauge(
                "gateway_plan_cache_entries",
                "Plans that are kept.",
                lambda: self._serving().pipeline.plan_count,
            ),
            Gauge("gateway_draining", "1 once it has been told to stop.", lambda: int(self.is_draining)),
            *process_metrics(),
        )
