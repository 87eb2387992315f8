"""Commands that must end before anything else happens, announced on the terminal, each with a log of its own."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from launcher.errors import StepFailed, ToolMissing
from launcher.process_groups import end_with_us, signal_group
from launcher.settings import ROOT, Settings
from launcher.supervisor import last_line

STOP_TIMEOUT_S = 3.0  # npm takes no notice of SIGTERM


@dataclass(frozen=True)
class Step:
    """One command, run from the root; without an environment of its own it gets ours."""

    title: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None


@dataclass(frozen=True)
class _Running:
    title: str
    process: subprocess.Popen[bytes]
    log: Path


def run_steps(settings: Settings, *steps: Step) -> None:
    """Run *steps* beside each other until all have ended; raises ToolMissing or StepFailed.

    Whatever interrupts the wait, Ctrl-C above all, ends them with everything they have started.
    """
    since = time.monotonic()
    print(f"  {', '.join(step.title for step in steps) + ' …':<68}", end="", flush=True)
    running: list[_Running] = []
    try:
        for step in steps:
            running.append(_started(settings, step))  # noqa: PERF401 - what has started must be known if the next fails
        ended = [(step, step.process.wait()) for step in running]
    except BaseException:
        print(flush=True)
        for step_under_way in running:
            _break_off(step_under_way.process)
        raise
    print(f"{time.monotonic() - since:6.1f} s", flush=True)
    for step_ended, status in ended:
        _require_success(step_ended, status)


def _started(settings: Settings, step: Step) -> _Running:
    log = settings.data_dir / "logs" / f"{step.title.lower().replace(' ', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                step.command,
                cwd=ROOT,
                env=step.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A group of its own: npm does not end its children when it is stopped, so we end the group.
                start_new_session=True,
                preexec_fn=end_with_us,  # noqa: PLW1509 - no threads run here
            )
    except FileNotFoundError as missing:
        raise ToolMissing(step.command[0], f"it is needed for “{step.title}”.") from missing
    return _Running(step.title, process, log)


def _require_success(step: _Running, status: int) -> None:
    if status != 0:
        raise StepFailed(step.title, status, step.log, last_line(step.log))


def _break_off(process: subprocess.Popen[bytes]) -> None:
    signal_group(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT_S)
    signal_group(process.pid, signal.SIGKILL)
    process.wait()
