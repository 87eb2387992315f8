"""Processes are started, started again when they die, and all stopped."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from launcher.errors import KeepsCrashing, PortInUse
from launcher.services import Service, check_ports, services
from launcher.settings import ROOT, Settings
from launcher.supervisor import Supervisor
from tests.held_ports import held_port
from tests.launcher.little_programs import IGNORE_SIGTERM, SERVE, wait_until_served


@dataclass(frozen=True)
class Script(Service):
    """A service whose program is a line of Python."""

    code: str = ""

    @property
    def command(self) -> tuple[str, ...]:
        return (sys.executable, "-c", self.code, str(self.port))


def script(code: str, port: int | None = None) -> Script:
    return Script("little service", "little", "", (), port, code=code)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what happens in another process sets no event here
            await asyncio.sleep(0.02)


def test_a_started_service_is_ready_and_gone_after_the_block(tmp_path: Path) -> None:
    async def story() -> int:
        async with Supervisor(os.environ, tmp_path) as supervisor:
            await supervisor.start([script(SERVE, held_port())])
            pid = int((tmp_path / "run" / "little.pid").read_text())
            assert is_running(pid)
        return pid

    pid = asyncio.run(story())

    assert not is_running(pid)
    assert not (tmp_path / "run" / "little.pid").exists()


def test_a_killed_service_is_started_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pid_file = tmp_path / "run" / "little.pid"

    async def story() -> tuple[int, int]:
        async with Supervisor(os.environ, tmp_path) as supervisor:
            await supervisor.start([script(SERVE, held_port())])
            first = int(pid_file.read_text())
            os.kill(first, signal.SIGKILL)
            await until(lambda: int(pid_file.read_text() or first) != first)
            return first, int(pid_file.read_text())

    first, second = asyncio.run(story())

    assert first != second
    assert "ended with exit status -9; starting it again" in capsys.readouterr().out


def test_a_service_that_keeps_crashing_ends_the_launch_with_its_last_words(tmp_path: Path) -> None:
    async def story() -> None:
        async with Supervisor(os.environ, tmp_path) as supervisor:
            await supervisor.start([script("raise SystemExit('no database')")])
            await supervisor.until_stopped()

    with pytest.raises(KeepsCrashing, match=r"exit status 1 \(no database\)"):
        asyncio.run(story())


def test_a_service_deaf_to_sigterm_is_killed(tmp_path: Path) -> None:
    deaf = script(IGNORE_SIGTERM)

    async def story() -> int:
        async with Supervisor(os.environ, tmp_path, stop_timeout_s=0.2) as supervisor:
            await supervisor.start([deaf])
            await until(lambda: "deaf" in supervisor.log_of(deaf).read_text())
            return int((tmp_path / "run" / "little.pid").read_text())

    assert not is_running(asyncio.run(story()))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of a killed process")
def test_services_do_not_outlive_a_killed_launcher(tmp_path: Path) -> None:
    port = held_port()
    launching = f"""
import asyncio, os, pathlib
from launcher.supervisor import Supervisor
from tests.launcher.test_supervisor import SERVE, script
async def serve():
    async with Supervisor(os.environ, pathlib.Path({str(tmp_path)!r})) as supervisor:
        await supervisor.start([script(SERVE, {port})])
        await supervisor.until_stopped()
asyncio.run(serve())"""
    launch = subprocess.Popen([sys.executable, "-c", launching], cwd=ROOT)
    wait_until_served(port)

    launch.kill()
    launch.wait()

    wait_until_served(port, served=False)


def test_two_services_cannot_share_a_port() -> None:
    port = str(held_port())
    settings = Settings.from_environment({"GATEWAY_PORT": port, "USER_SUBGRAPH_PORT": port})

    with pytest.raises(
        PortInUse, match=f"Port {port}, meant for the user subgraph, is in use: .* set USER_SUBGRAPH_PORT"
    ):
        check_ports(services(settings))
