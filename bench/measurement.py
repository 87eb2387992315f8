"""One run of wrk against one gateway, and what it cost there."""

from dataclasses import dataclass

from bench.errors import RequestsFailed
from bench.line_up import Entry
from bench.subgraphs import RunningStub
from bench.wrk import Load, drive


@dataclass(frozen=True)
class Measurement:
    cpu_us: float
    """User and system time of the gateway's process group, for each request."""
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    peak_memory_mb: float
    """Since the gateway's start."""
    fetches: float
    """How many requests reached the subgraphs for each of the client's."""


def measure(entry: Entry, stub: RunningStub, connections: int, seconds: int) -> Measurement:
    """Raises RequestsFailed."""
    processes = entry.running.processes
    fetched, spent = stub.counts().answered, processes.cpu_s()
    load = drive(entry.running.url, entry.bodies, connections, seconds)
    processes.wait_until_idle()  # what was still under way is among the requests that were sent
    spent, fetched = processes.cpu_s() - spent, stub.counts().answered - fetched
    _check(entry, load)
    return Measurement(
        cpu_us=spent / load.sent * 1e6,
        requests_per_s=load.requests_per_s,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        peak_memory_mb=processes.peak_memory_bytes() / 1e6,
        fetches=fetched / load.sent,
    )


def _check(entry: Entry, load: Load) -> None:
    """Errors would be answered fast; with a status of 200 they show in the size."""
    if load.failed or not load.answered:
        what = f"{load.failed} of {load.sent} requests failed"
    elif (size := load.response_bytes / load.answered) < entry.answer_bytes * 0.98:
        what = f"answers of {size:.0f} bytes, where {entry.answer_bytes:.0f} are right"
    else:
        return
    raise RequestsFailed(entry.running.gateway.title, entry.workload.name, what)
