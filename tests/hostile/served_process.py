"""What Linux tells of a process from outside."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class ServedProcess:
    pid: int

    @property
    def is_alive(self) -> bool:
        stat = Path(f"/proc/{self.pid}/stat")
        return stat.exists() and self._fields()[0] != "Z"

    @property
    def memory_mb(self) -> float:
        """What it holds of the machine's memory (RSS)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * _PAGE_BYTES / 1e6

    @property
    def cpu_s(self) -> float:
        """How long it has computed, in hundredths of a second."""
        fields = self._fields()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND

    def _fields(self) -> list[str]:
        """Those behind the name, which may hold anything."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
