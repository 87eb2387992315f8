"""Starts processes, waits until they are ready, starts again what dies, and stops them all together."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from launcher.errors import KeepsCrashing, LaunchError, NeverReady
from launcher.process_groups import end_with_us, signal_group
from launcher.services import Service
from launcher.settings import ROOT

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READY_TIMEOUT_S = 60.0
RESTART_DELAY_S = 1.0
EARLY_EXIT_S = 5.0
EARLY_EXITS_ALLOWED = 3


class Supervisor:
    """Runs services as process groups of their own; leaving the `async with` block stops every one of them.

    Output of service NAME goes to DATA_DIR/logs/NAME.log, its process id to DATA_DIR/run/NAME.pid. What has
    not ended *stop_timeout_s* after SIGTERM is killed: less than a service itself would take for its last requests,
    but long at a keyboard, and what a killed service left undone is healed at the next start.
    """

    def __init__(self, environment: Mapping[str, str], data_dir: Path, stop_timeout_s: float = 10.0) -> None:
        self._stop_timeout_s = stop_timeout_s
        self._environment = dict(environment)
        self._logs = data_dir / "logs"
        self._pids = data_dir / "run"
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()
        self._keepers: list[asyncio.Task[None]] = []
        self._failure: LaunchError | None = None

    async def __aenter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        self._pids.mkdir(parents=True, exist_ok=True)
        for number in STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        await asyncio.gather(*(self._stop(name, process) for name, process in self._processes.items()))
        await asyncio.gather(*self._keepers)

    async def start(self, services: Iterable[Service]) -> None:
        """Start every service and return once all are ready.

        Raises NeverReady after READY_TIMEOUT_S, KeepsCrashing when one ends again and again; returns early when told
        to stop.
        """
        wanted = list(services)
        for service in wanted:
            await self._spawn(service)
            self._keepers.append(asyncio.create_task(self._keep_running(service)))
        await asyncio.gather(*(self._until_ready(service) for service in wanted))
        self._raise_failure()

    async def until_stopped(self) -> None:
        """Return when SIGINT, SIGTERM or SIGHUP has arrived; raises KeepsCrashing when a service is past saving."""
        await self._stopping.wait()
        self._raise_failure()

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def log_of(self, service: Service) -> Path:
        return self._logs / f"{service.name}.log"

    async def _spawn(self, service: Service) -> None:
        with self.log_of(service).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *service.command,
                cwd=ROOT,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_us,
            )
        self._processes[service.name] = process
        (self._pids / f"{service.name}.pid").write_text(f"{process.pid}\n")

    async def _keep_running(self, service: Service) -> None:
        early_exits = 0
        while True:
            started = time.monotonic()
            status = await self._processes[service.name].wait()
            if self.is_stopping:
                return
            early_exits = early_exits + 1 if time.monotonic() - started < EARLY_EXIT_S else 0
            if early_exits == EARLY_EXITS_ALLOWED:
                log = self.log_of(service)
                self._failure = KeepsCrashing(service.title, status, log, last_line(log))
                self._stopping.set()
                return
            print(f"The {service.title} ended with exit status {status}; starting it again.", flush=True)
            await self._pause(RESTART_DELAY_S)
            await self._spawn(service)
            if self.is_stopping:  # the stop may have come between the two, and must not miss this process
                await self._stop(service.name, self._processes[service.name])
                return

    def _raise_failure(self) -> None:
        if self._failure:
            raise self._failure

    async def _until_ready(self, service: Service) -> None:
        if service.ready_url is None:
            return
        deadline = time.monotonic() + READY_TIMEOUT_S
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            while not self.is_stopping and not await _answers(client, service.ready_url):
                if time.monotonic() > deadline:
                    raise NeverReady(service.title, READY_TIMEOUT_S, self.log_of(service))
                await self._pause(0.05)

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than until a stop is asked for."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _stop(self, name: str, process: asyncio.subprocess.Process) -> None:
        signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), self._stop_timeout_s)
        # Also after a clean end: children that a service left behind must not outlive it.
        signal_group(process.pid, signal.SIGKILL)
        await process.wait()
        (self._pids / f"{name}.pid").unlink(missing_ok=True)


def last_line(log: Path) -> str:
    """The last line that says something, for a sentence about why a process ended; empty when it said nothing."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False
