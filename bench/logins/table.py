"""What was measured, as a table for a terminal and for README.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.logins.chance import chance_to_be_longer, spread_by_chance

LEAST, MOST = 0.45, 0.55
_HEADINGS: Final = ("known ms", "unknown ms", "AUC")


@dataclass(frozen=True)
class Measured:
    """One question on one database: how long each answer took, about addresses with an account and without."""

    database: str
    known_ms: Sequence[float]
    unknown_ms: Sequence[float]

    @property
    def auc(self) -> float:
        """The chance that a known one takes longer than an unknown one."""
        return chance_to_be_longer(self.known_ms, self.unknown_ms)

    @property
    def tells(self) -> bool:
        return not LEAST <= self.auc <= MOST

    def __str__(self) -> str:
        return f"known {median(self.known_ms):.3f} ms, unknown {median(self.unknown_ms):.3f} ms, AUC {self.auc:.3f}"


def table(measured: Mapping[str, Sequence[Measured]]) -> str:
    """A line for each question; for each database the medians and the chance."""
    databases = [one.database for one in next(iter(measured.values()))]
    head = ["", *(f"{database}: {heading}" for database in databases for heading in _HEADINGS)]
    lines = [head]
    lines += [[name, *(cell for one in line for cell in _cells(one))] for name, line in measured.items()]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(_joined(line, widths) for line in lines)


def verdict(measured: Mapping[str, Sequence[Measured]]) -> str:
    """Which lines are outside of what is promised, and how much chance alone makes of them."""
    lines = [(name, one) for name, line in measured.items() for one in line]
    telling = [f"  {name}, {one.database}: AUC {one.auc:.3f}" for name, one in lines if one.tells]
    spread = spread_by_chance(len(lines[0][1].known_ms))
    said = f"Chance alone moves an AUC from 0.5 by {spread:.3f} (standard deviation)."
    if not telling:
        return f"All are within {LEAST} to {MOST}. {said}"
    return "\n".join([f"Outside of {LEAST} to {MOST}:", *telling, f"{said} Ask again, with another seed."])


def _cells(one: Measured) -> Sequence[str]:
    return (f"{median(one.known_ms):,.2f}", f"{median(one.unknown_ms):,.2f}", f"{one.auc:.3f}")


def _joined(line: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
    return f"| {first.strip().ljust(widths[0])} | {' | '.join(others)} |"
