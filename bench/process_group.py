"""A process with all its children, and what they cost: read from /proc, as Linux counts."""

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.process_times import TICKS_PER_S, cpu_s, group, processes
from launcher.process_groups import end_with_us, signal_group

STOPS_WITHIN_S = 10
IDLE_WITHIN_S = 30
NOTHING_S = 1.5 / TICKS_PER_S


class ProcessGroup:
    """A command as the leader of a process group, with its output in a file."""

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str], folder: Path
    ) -> None:
        with log.open("wb") as output:
            self._leader = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=end_with_us,  # noqa: PLW1509 - no threads run here
            )

    def is_running(self) -> bool:
        return self._leader.poll() is None

    def cpu_s(self) -> float:
        """User and system time since the start, with that of children which have ended."""
        return sum(cpu_s(stat) for _, stat in self._processes())

    def wait_until_idle(self) -> None:
        """A gateway may go on working on what its clients no longer wait for."""
        deadline = time.monotonic() + IDLE_WITHIN_S
        before, now = -1.0, self.cpu_s()
        while now - before > NOTHING_S and time.monotonic() < deadline:
            time.sleep(0.5)
            before, now = now, self.cpu_s()

    def memory_bytes(self) -> int:
        """Resident now. Pages that its processes share are counted in each."""
        return sum(_memory(process, "VmRSS") for process, _ in self._processes())

    def peak_memory_bytes(self) -> int:
        return sum(_memory(process, "VmHWM") for process, _ in self._processes())

    def stop(self) -> None:
        """The memory of all of them is free again when it returns: the kernel takes a while for what it ends."""
        signal_group(self._leader.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._leader.wait(STOPS_WITHIN_S)
        signal_group(self._leader.pid, signal.SIGKILL)
        self._leader.wait()
        deadline = time.monotonic() + STOPS_WITHIN_S
        while self.memory_bytes() > 0 and time.monotonic() < deadline:
            time.sleep(0.01)

    def _processes(self) -> Iterator[tuple[Path, Sequence[str]]]:
        """(folder in /proc, the fields of its `stat`)"""
        return ((folder, stat) for folder, stat in processes() if group(stat) == self._leader.pid)


@contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str], folder: Path
) -> Iterator[ProcessGroup]:
    group = ProcessGroup(command, log, environment, folder)
    try:
        yield group
    finally:
        group.stop()


def _memory(process: Path, name: str) -> int:
    """In bytes; 0 for a process that has ended."""
    try:
        lines = (process / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
