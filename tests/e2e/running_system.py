"""A whole system as `make run` starts it, on free ports and in a folder of its own."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from launcher.settings import HOST, ROOT
from tests.contract.told_secrets import findings_in_files, refuse
from tests.held_ports import held_port


class Printed:
    """What a launcher prints, read as it comes: into a pipe that is full it could print no more."""

    def __init__(self, output: IO[str]) -> None:
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, args=(output,))
        self._reader.start()

    def whole(self) -> str:
        """All of it, once there is no more to come."""
        self._reader.join()
        return "".join(self.lines)

    def _read(self, output: IO[str]) -> None:
        for line in output:
            self.lines.append(line)


@dataclass(frozen=True)
class RunningSystem:
    """Where the parts of a started system stand; `output` is what `make run` printed until it was ready."""

    launcher: subprocess.Popen[str]
    output: str
    later: Printed
    data_dir: Path
    ports: dict[str, int]

    @property
    def gateway_url(self) -> str:
        return f"http://{HOST}:{self.ports['GATEWAY_PORT']}"

    @property
    def named_gateway_url(self) -> str:
        """The same place by a name: browsers have passkeys for nothing else."""
        return f"http://localhost:{self.ports['GATEWAY_PORT']}"

    @property
    def users_url(self) -> str:
        return f"http://{HOST}:{self.ports['USER_SUBGRAPH_PORT']}"

    @property
    def payments_url(self) -> str:
        return f"http://{HOST}:{self.ports['PAYMENT_SUBGRAPH_PORT']}"

    @property
    def fake_stripe_url(self) -> str:
        return f"http://{HOST}:{self.ports['FAKE_STRIPE_PORT']}"

    def pids(self) -> dict[str, int]:
        """The process id of each running service, by service name."""
        return {file.stem: int(file.read_text()) for file in (self.data_dir / "run").glob("*.pid")}

    def stop(self) -> str:
        """Press Ctrl-C, wait for the end, and give what was printed since it was ready."""
        self.launcher.send_signal(signal.SIGINT)
        self.launcher.wait(timeout=60)
        return self.later.whole()


PATIENCE = {
    "GATEWAY_PLANNING_TIMEOUT_S": "60",
    "GATEWAY_REQUEST_TIMEOUT_S": "60",
    "GATEWAY_SUBGRAPH_TIMEOUT_S": "60",
    "OPERATION_ANSWER_SECONDS": "15",
    "PASSWORD_HASH_WAIT_S": "60",
}
"""On a busy machine all of it takes longer, and is not to be answered otherwise for that."""
PORTS = ("GATEWAY_PORT", "USER_SUBGRAPH_PORT", "PAYMENT_SUBGRAPH_PORT", "FAKE_STRIPE_PORT")


def free_ports() -> dict[str, int]:
    """A port for each service, all different, and nobody else's as long as this process lives."""
    return {name: held_port() for name in PORTS}


@contextmanager
def running_system(
    data_dir: Path, ports: dict[str, int] | None = None, environment: dict[str, str] | None = None
) -> Iterator[RunningSystem]:
    """Start a system, wait until it says it is ready, and stop it at the end of the block."""
    ports = ports or free_ports()
    started = subprocess.Popen(
        [sys.executable, "-m", "launcher", "run"],
        cwd=ROOT,
        env=clean_environment() | environment_of(ports, data_dir) | PATIENCE | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert started.stdout
    with started:
        try:
            output = _until_ready(started.stdout)
            later = Printed(started.stdout)
            try:
                yield RunningSystem(started, output, later, data_dir, ports)
            finally:
                _terminate(started)
                later.whole()  # before its pipe is closed
        finally:
            _terminate(started)
    # Of its services. The launcher itself writes no log: it prints the demo accounts for who sits there.
    refuse(findings_in_files(sorted((data_dir / "logs").glob("*.log"))))


def _terminate(started: subprocess.Popen[str]) -> None:
    if started.poll() is None:
        started.send_signal(signal.SIGTERM)


def environment_of(ports: dict[str, int], data_dir: Path) -> dict[str, str]:
    return {"DATA_DIR": str(data_dir)} | {variable: str(port) for variable, port in ports.items()}


def clean_environment() -> dict[str, str]:
    """This process's environment without settings that would make the system another than the default one."""
    ours = (
        "_PORT",
        "_DATABASE_URL",
        "SUBGRAPH_URL",
        "SUBGRAPH_MUTATION",
        "REFRESH_COOKIE_",
        "SUBGRAPH_SUBSCRIPTIONS",
        "STRIPE_",
        "TOKEN_",
        "JWKS_URL",
        "DATA_DIR",
        "DEMO_MODE",
        "PAYMENT_PROCESSOR",
        "THROTTLE_",
        "USER_EVENTS_",
        "PAYMENT_GRAPHQL_URL",
        "PASSKEY_ORIGINS",
        "PUBLIC_URL",
        "TRUSTED_PROXIES",
        "MAIL_",
        "EMAIL_VERIFICATION",
    )
    return {name: value for name, value in os.environ.items() if not any(part in name for part in ours)}


def _until_ready(output: IO[str]) -> str:
    """Read until the last line of the welcome; fails with all that was printed when the launch ended before."""
    lines: list[str] = []
    for line in output:
        lines.append(line)
        if "Ctrl-C stops everything" in line:
            return "".join(lines)
    raise AssertionError(f"The system did not start:\n{''.join(lines)}")
