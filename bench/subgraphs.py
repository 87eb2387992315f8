"""The stub as a process beside the gateways."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.graphql_client import get
from bench.process_group import ProcessGroup, running
from launcher.settings import ROOT


@dataclass(frozen=True)
class Counts:
    answered: int
    executed: int
    """Requests that came for the first time."""


@dataclass(frozen=True)
class RunningStub:
    url: str

    def counts(self) -> Counts:
        return Counts(**json.loads(get(f"{self.url}/counts").body))


@contextmanager
def running_stub(folder: Path) -> Iterator[RunningStub]:
    output = folder / "stub.log"
    with running([sys.executable, "-m", "bench.stub"], output, os.environ, ROOT) as process:
        yield RunningStub(_address(process, output))


def _address(process: ProcessGroup, output: Path) -> str:
    """Its first line."""
    while process.is_running() and not output.read_text().endswith("\n"):
        time.sleep(0.05)
    return output.read_text().split("\n")[0]
