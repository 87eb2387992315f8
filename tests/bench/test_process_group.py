"""A group of processes is measured as a whole."""

import sys
import time
from pathlib import Path

from bench.process_group import ProcessGroup, running

BUSY = "import time\nwhile time.process_time() < 0.3: pass"
PARENT = f"""
import subprocess, sys, time
ended = subprocess.run([sys.executable, "-c", {BUSY!r}], check=True)
still_there = subprocess.Popen([sys.executable, "-c", {BUSY!r} + "\\nprint('done', flush=True); time.sleep(60)"])
still_there.wait()
"""


def wait_for(text: str, log: Path, group: ProcessGroup) -> None:
    while text not in log.read_text():
        assert group.is_running(), log.read_text()
        time.sleep(0.02)


def test_children_count_those_that_ended_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running([sys.executable, "-c", PARENT], log, {}, tmp_path) as group:
        wait_for("done", log, group)

        # The kernel tells hundredths, rounded down for each of the two.
        assert 0.58 <= group.cpu_s() < 30  # which hundredths would pass
        assert group.peak_memory_bytes() >= group.memory_bytes() > 2_000_000

    assert not group.is_running()
    assert group.memory_bytes() == 0
