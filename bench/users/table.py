"""What was measured, as a table for a terminal and for README.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """One question on one database with so many users: the median."""

    database: str
    stored: int
    took_ms: float


def table(measured: Mapping[str, Sequence[Measured]]) -> str:
    """A line for each question; for each database the times, and the last divided by the first."""
    columns = list(next(iter(measured.values())))
    databases = list(dict.fromkeys(one.database for one in columns))
    head = ["ms"]
    for database in databases:
        head += [f"{database}: {one.stored:,}" for one in columns if one.database == database] + ["ratio"]
    lines = [head, ["-" * len(name) for name in head]]
    lines += [[name, *_cells(line, databases)] for name, line in measured.items()]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(_joined(line, widths) for line in lines)


def _cells(line: Sequence[Measured], databases: Sequence[str]) -> list[str]:
    cells: list[str] = []
    for database in databases:
        times = [one.took_ms for one in line if one.database == database]
        cells += [*(f"{took:,.1f}" for took in times), f"{times[-1] / times[0]:,.1f}"]
    return cells


def _joined(line: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
    return f"| {first.strip().ljust(widths[0])} | {' | '.join(others)} |"
