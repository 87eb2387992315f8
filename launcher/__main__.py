"""`python -m launcher COMMAND`, from the root of the repository.

run       set up and run the whole system until Ctrl-C
install   only install the services and build the web page
prepare   install what `make check` and `make test` need besides
npm …     npm, with the machine's Node or the one from PyPI
"""

import asyncio
import signal
import sys
import time
from contextlib import nullcontext
from types import FrameType

from launcher.data_dir import data_dir_held
from launcher.demo import create_demo_payments
from launcher.errors import DemoRefused, LaunchError
from launcher.mails import MailFolder, mails_shown
from launcher.preparation import install, install_node_modules, prepare_data, run_npm
from launcher.services import Service, check_ports, services
from launcher.settings import Settings
from launcher.supervisor import STOP_SIGNALS, Supervisor
from launcher.welcome import welcome


def run(settings: Settings) -> None:
    """The whole life of a local system: set up, start, welcome, and stop when told to."""
    started = time.monotonic()
    wanted = services(settings)
    # The folder before the ports: of a system that already runs both are taken, and only the folder says by whom.
    with data_dir_held(settings.data_dir, settings.gateway_url):
        check_ports(wanted)
        print("Setting up the Modular Payment System", flush=True)
        install(settings)
        prepare_data(settings)
        asyncio.run(_serve(settings, wanted, started))


async def _serve(settings: Settings, wanted: list[Service], started: float) -> None:
    mails = MailFolder(settings.mails_to_show) if settings.mails_to_show else None
    async with Supervisor(settings.process_environment(), settings.data_dir) as supervisor:
        await supervisor.start(wanted)
        if settings.demo_mode and settings.uses_fake_stripe and not supervisor.is_stopping:
            await _create_demo_payments(settings)
        if not supervisor.is_stopping:
            print(welcome(settings, time.monotonic() - started), flush=True)
        async with mails_shown(mails) if mails else nullcontext():
            await supervisor.until_stopped()
        print("\nStopping …", flush=True)
    print("Everything has stopped.", flush=True)


async def _create_demo_payments(settings: Settings) -> None:
    """What people have done to the demo accounts since, deleted them for one, must not keep the system from starting."""
    try:
        await create_demo_payments(settings.gateway_url)
    except DemoRefused as refused:
        print(refused, flush=True)


def prepare(settings: Settings) -> None:
    """Everything the test suites need: the services, the web page, and the npm packages that they run."""
    install(settings)
    for folder in ("schema", "tests/e2e/audits", "tests/e2e/hive", "tests/gateway/npm_clients"):
        install_node_modules(settings, folder)


def main(arguments: list[str]) -> int:
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        settings = Settings.from_environment()
        match arguments:
            case ["run"]:
                run(settings)
            case ["install"]:
                install(settings)
            case ["prepare"]:
                prepare(settings)
            case ["npm", *rest]:
                return run_npm(settings, rest)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except LaunchError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped while setting up; the next `make run` goes on from there.", file=sys.stderr)
        return 130
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Ctrl-C may arrive twice, from the terminal and from uv: the second must not disturb the end of what was begun."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
