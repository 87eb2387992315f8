"""The results as a table, which is Markdown as well."""

from collections.abc import Iterator, Sequence

from bench.comparison import Results
from bench.gateways import Gateway
from bench.measurement import Measurement
from bench.workload import Workload

HEADINGS = (
    "",
    "CPU µs/request",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "peak MB",
    "fetches",
    "CPU ratio",
    "goal",
    "p99 ratio",
)


def table(results: Results, gateways: Sequence[Gateway], workloads: Sequence[Workload]) -> str:
    """Ratios are the first gateway's value divided by this one's: below 1, the first is better."""
    rows = [HEADINGS, *(row for workload in workloads for row in _rows(results, gateways, workload))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [_line(row, widths) for row in rows]
    rule = "|".join(["", "-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:]), ""])
    return "\n".join([lines[0], rule, *lines[1:]])


def _rows(results: Results, gateways: Sequence[Gateway], workload: Workload) -> Iterator[Sequence[str]]:
    yield (f"**{workload.name}** {workload.about}", *[""] * (len(HEADINGS) - 1))
    first = results[workload.name, gateways[0].name]
    for gateway in gateways:
        seen = results[workload.name, gateway.name]
        ratios = _ratios(first, seen, gateway.goals.get(workload.name)) if seen is not first else ("", "", "")
        yield (gateway.title, *_figures(seen), *ratios)


def _figures(seen: Measurement) -> Sequence[str]:
    return (
        f"{seen.cpu_us:,.0f}",
        f"{seen.requests_per_s:,.0f}",
        f"{seen.p50_ms:,.2f}",
        f"{seen.p99_ms:,.2f}",
        f"{seen.peak_memory_mb:,.0f}",
        f"{seen.fetches:.1f}",
    )


def _ratios(first: Measurement, seen: Measurement, goal: float | None) -> Sequence[str]:
    return (
        f"{first.cpu_us / seen.cpu_us:.3f}",
        f"≤ {goal:.2f}" if goal else "",
        f"{first.p99_ms / seen.p99_ms:.3f}",
    )


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = row
    cells = [
        first.ljust(widths[0]),
        *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)),
    ]
    return f"| {' | '.join(cells)} |"
