"""What the gateway counts and measures of itself.

No label has values that grow with clients, users or documents: names of operations stand in the access log.
"""

from collections.abc import Iterable

from gateway.errors import FormattedError
from gateway.telemetry.prometheus import BoundedCounter, Counter, Histogram, Metric

DISTINCT_CODES = 100
"""A subgraph's errors keep their codes, and nothing bounds what a subgraph writes there."""

NO_CODE = "none"


class Metrics:
    def __init__(self) -> None:
        self.requests = Counter(
            "gateway_requests_total",
            "GraphQL requests, by kind of operation (none: refused before it was known) and by what came of them.",
            ("kind", "outcome"),
        )
        self.request_seconds = Histogram(
            "gateway_request_duration_seconds",
            "From a request's headers to the last byte of its answer; event streams are not measured.",
            ("kind",),
        )
        self.errors = BoundedCounter(
            "gateway_errors_total",
            f"Errors in answers, by extensions.code; beyond {DISTINCT_CODES} codes: other.",
            ("code",),
            DISTINCT_CODES,
        )
        self.subgraph_seconds = Histogram(
            "gateway_subgraph_request_duration_seconds",
            "From the sending of a request to a subgraph to its whole answer, or to its failure.",
            ("subgraph",),
        )
        self.subgraph_failures = Counter(
            "gateway_subgraph_failures_total",
            "Requests to subgraphs that brought no GraphQL answer, by the code clients got.",
            ("subgraph", "code"),
        )
        self.plan_lookups = Counter(
            "gateway_plan_cache_lookups_total", "Looks for a plan: hit, or miss and planned.", ("result",)
        )
        self.reloads = Counter(
            "gateway_reloads_total",
            "New contents of a watched file: reloaded or refused.",
            ("file", "outcome"),
        )

    def count_errors(self, errors: Iterable[FormattedError]) -> None:
        for error in errors:
            code = error.get("extensions", {}).get("code")
            self.errors.count(code if isinstance(code, str) else NO_CODE)

    def all(self) -> tuple[Metric, ...]:
        return (
            self.requests,
            self.request_seconds,
            self.errors,
            self.subgraph_seconds,
            self.subgraph_failures,
            self.plan_lookups,
            self.reloads,
        )
