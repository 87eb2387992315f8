"""What was measured, as a table for a terminal and for README.md."""

from collections.abc import Sequence
from statistics import median

from bench.payments.purchases import Purchases


def table(measured: Sequence[Purchases], rounds: int) -> str:
    """The medians of each *rounds* measurements that follow each other."""
    processes = list(measured[0].cpu_ms)
    head = [
        "stored payments",
        "payments/s",
        "answer ms",
        *(f"CPU ms: {name}" for name in processes),
        "CPU ratio",
    ]
    groups = [measured[first : first + rounds] for first in range(0, len(measured), rounds)]
    rows = [_row(some, processes) for some in groups]
    first = sum(rows[0][3:])
    lines = [head, ["-" * len(name) for name in head]]
    lines += [[*_written(row), f"{sum(row[3:]) / first:.2f}"] for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "| " + " | ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def _row(some: Sequence[Purchases], processes: Sequence[str]) -> list[float]:
    return [
        some[0].stored,
        median(each.per_second for each in some),
        median(each.answer_ms for each in some),
        *(median(each.cpu_ms[name] for each in some) for name in processes),
    ]


def _written(row: Sequence[float]) -> list[str]:
    return [f"{row[0]:,.0f}", *(f"{value:.1f}" for value in row[1:])]
