"""Preparing commands end before we go on, and never outlive us."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.errors import StepFailed, ToolMissing
from launcher.settings import ROOT, Settings
from launcher.steps import Step, run_steps
from tests.held_ports import held_port
from tests.launcher.little_programs import is_served, serving, wait_until_served


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment({"DATA_DIR": str(tmp_path)})


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def test_a_failed_step_tells_its_last_words_once_its_neighbour_has_ended(
    settings: Settings, tmp_path: Path
) -> None:
    failing = Step("Failing quickly", python("raise SystemExit('no disk')"))
    finishing = Step(
        "Finishing", python("import time; time.sleep(.3); open('{}', 'w')".format(tmp_path / "x"))
    )

    with pytest.raises(StepFailed, match=r"Failing quickly failed with exit status 1 \(no disk\)"):
        run_steps(settings, failing, finishing)

    assert (tmp_path / "x").exists()


def test_a_missing_program_is_named(settings: Settings) -> None:
    with pytest.raises(ToolMissing, match="no-such-program is missing: it is needed for “Trying”"):
        run_steps(settings, Step("Trying", ["no-such-program"]))


@pytest.fixture
def at_a_keyboard() -> Iterator[None]:
    """These tests may have been started in the background, where a shell makes everything deaf to Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("at_a_keyboard")
def test_ctrl_c_ends_a_step_with_the_processes_it_started(settings: Settings) -> None:
    port = held_port()
    parent = python("import subprocess, sys; subprocess.run(sys.argv[1:])", *serving(port))

    def press_ctrl_c() -> None:
        wait_until_served(port)
        os.kill(os.getpid(), signal.SIGINT)

    finger = threading.Thread(target=press_ctrl_c)
    finger.start()
    with pytest.raises(KeyboardInterrupt):
        run_steps(settings, Step("Serving", parent))
    finger.join()

    wait_until_served(port, served=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_launch_stopped_while_setting_up_says_so_and_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    port = held_port()
    setting_up = f"""
import launcher.__main__ as command
from launcher.steps import Step, run_steps
command.prepare = lambda settings: run_steps(settings, Step("Serving", {serving(port)!r}))
raise SystemExit(command.main(["prepare"]))"""
    launch = subprocess.Popen(
        python(setting_up),
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until_served(port)

    for _ in range(2):  # as from a terminal and from uv
        launch.send_signal(number)
    _, said = launch.communicate(timeout=60)

    assert launch.returncode == 130
    assert said.strip() == "Stopped while setting up; the next `make run` goes on from there."
    assert not is_served(port)
