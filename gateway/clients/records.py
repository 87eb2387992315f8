"""What is kept of each request: how it counts in the metrics, and its line in the access log."""

from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from gateway.clients.exchange import Exchange
from gateway.clients.websocket_session import WebSocketOperation
from gateway.operations.answer import Answer
from gateway.telemetry.access_log import AccessLog
from gateway.telemetry.metrics import Metrics

CLIENT_GONE = 499
"""No status that anybody receives, but the customary one in logs."""

LOGGED_CHARACTERS = 100
"""How much of a path or an operation's name a line holds: a client may call them anything."""

NO_KIND = "none"
STREAM = "stream"


class Records:
    def __init__(self, metrics: Metrics, access_log: AccessLog | None) -> None:
        self._metrics = metrics
        self._access_log = access_log

    def note_answer(self, answer: Answer) -> None:
        """One answer; a subscription has many."""
        if answer.errors:
            self._metrics.count_errors(answer.errors)
        if answer.is_plan_known is not None:
            self._metrics.plan_lookups.count("hit" if answer.is_plan_known else "miss")

    def end(self, exchange: Exchange, status: int) -> None:
        """One HTTP request, when the last byte of the response was sent."""
        exchange.status = status
        seconds = perf_counter() - exchange.started
        if exchange.is_graphql:
            self._measure(exchange, seconds)
        if self._access_log:
            self._access_log.write(_line(exchange, seconds))

    def note_operation(self, told: WebSocketOperation) -> None:
        """One operation in a WebSocket."""
        if told.refusal:
            self.note_answer(told.refusal)
        self._metrics.requests.count(STREAM, _OUTCOMES[told.end])
        if self._access_log:
            self._access_log.write(_operation_line(told))

    def _measure(self, exchange: Exchange, seconds: float) -> None:
        operation = exchange.answer.operation if exchange.answer else None
        kind = STREAM if exchange.is_streamed else operation.kind if operation else NO_KIND
        self._metrics.requests.count(kind, _outcome(exchange.answer, exchange.status))
        if not exchange.is_streamed:
            self._metrics.request_seconds.observe(seconds, kind)


def _line(exchange: Exchange, seconds: float) -> dict[str, Any]:
    """Never variables, headers or query strings: they may carry secrets."""
    line: dict[str, Any] = {
        "time": datetime.now(UTC),
        "method": exchange.method,
        "path": exchange.path[:LOGGED_CHARACTERS],
        "status": exchange.status,
        "ms": int(seconds * 100_000) / 100,  # a fourth of what round() takes
        "requestId": exchange.request_id,
    }
    answer = exchange.answer
    name = (answer and answer.operation and answer.operation.name) or exchange.operation_name
    if name:
        line["operation"] = name[:LOGGED_CHARACTERS]
    if answer and answer.is_plan_known is not None:
        line["planCached"] = answer.is_plan_known
    return line


_OUTCOMES = {"complete": "ok", "error": "refused", "left": "client_gone"}


def _operation_line(told: WebSocketOperation) -> dict[str, Any]:
    line: dict[str, Any] = {
        "time": datetime.now(UTC),
        "method": "WS",
        "path": "/graphql",
        "end": told.end,
        "ms": int((perf_counter() - told.started) * 100_000) / 100,
        "requestId": told.request_id,
    }
    if told.name:
        line["operation"] = told.name[:LOGGED_CHARACTERS]
    return line


def _outcome(answer: Answer | None, status: int) -> str:
    if status == CLIENT_GONE:
        return "client_gone"
    if answer is None:
        return "fault" if status == 500 else "ok" if status == 200 else "refused"
    if answer.is_refused:
        return "overloaded" if status == 503 else "refused"
    return "errors" if answer.errors else "ok"
