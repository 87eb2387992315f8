"""wrk, which sends the requests: as many at a time as it has connections, each as soon as the one before is answered."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.errors import WrkMissing

SCRIPT = Path(__file__).resolve().parent / "wrk.lua"


@dataclass(frozen=True)
class Load:
    """What one run of wrk saw."""

    sent: int
    answered: int
    """What was under way when the time was over is not among these."""
    seconds: float
    response_bytes: int
    """Of all responses together, with their headers."""
    failed: int
    p50_ms: float
    p99_ms: float

    @property
    def requests_per_s(self) -> float:
        return self.answered / self.seconds


def require_wrk() -> None:
    """Raises WrkMissing."""
    if shutil.which("wrk") is None:
        raise WrkMissing


def drive(url: str, bodies: Path, connections: int, seconds: int) -> Load:
    """Send the requests of the file *bodies*, one a line, over and over."""
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    command += ["--timeout", "30s", "--script", str(SCRIPT), url, "--", str(bodies)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own command
    return read_load(run.stdout)


def read_load(output: str) -> Load:
    """The last line, which wrk.lua writes."""
    seen = json.loads(output.strip().rpartition("\n")[2])
    return Load(
        sent=seen["sent"],
        answered=seen["answered"],
        seconds=seen["microseconds"] / 1e6,
        response_bytes=seen["bytes"],
        failed=seen["failed"],
        p50_ms=seen["p50"] / 1e3,
        p99_ms=seen["p99"] / 1e3,
    )
