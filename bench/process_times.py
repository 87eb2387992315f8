"""What processes have cost, as Linux counts: read from /proc, see proc(5)."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def processes() -> Iterator[tuple[Path, Sequence[str]]]:
    """(folder in /proc, the fields of its `stat`) of everything that runs."""
    for folder in PROC.iterdir():
        if folder.name.isdecimal() and (stat := _stat(folder)):
            yield folder, stat


def cpu_s(stat: Sequence[str]) -> float:
    """User and system time, with that of children which have ended."""
    return sum(map(int, stat[11:15])) / TICKS_PER_S  # utime, stime, cutime, cstime


def group(stat: Sequence[str]) -> int:
    return int(stat[2])


def family_cpu_s(pid: int) -> float:
    """Of the process and its children."""
    return sum(cpu_s(stat) for folder, stat in processes() if pid in {int(folder.name), int(stat[1])})


def _stat(process: Path) -> list[str]:
    """What follows the command's name, which may hold anything: state, ppid, pgrp, …; nothing if it ended."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
