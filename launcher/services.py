"""The processes of one local system."""

import socket
from dataclasses import dataclass

from launcher.errors import PortInUse
from launcher.settings import HOST, ROOT, Settings


@dataclass(frozen=True)
class Service:
    """One process: `title` for people, `name` for its log and pid file, `ready_url` answers 200 once it can work.

    A service without a port (a worker) counts as ready when it runs.
    """

    title: str
    name: str
    project: str
    arguments: tuple[str, ...]
    port: int | None = None
    port_variable: str = ""

    @property
    def command(self) -> tuple[str, ...]:
        """The service's own interpreter, not `uv run`: so the process we signal is the process that serves."""
        return (str(ROOT / self.project / ".venv" / "bin" / "python"), "-m", *self.arguments)

    @property
    def ready_url(self) -> str | None:
        return f"http://{HOST}:{self.port}/readyz" if self.port else None


def services(settings: Settings) -> list[Service]:
    """Every process to run, in the order a payment meets them."""
    users = Service(
        "user subgraph",
        "user_subgraph",
        "user_subgraph",
        ("user_subgraph", "serve"),
        settings.user_subgraph_port,
        "USER_SUBGRAPH_PORT",
    )
    payments = Service(
        "payment subgraph",
        "payment_subgraph",
        "payment_subgraph",
        ("payment_subgraph", "serve"),
        settings.payment_subgraph_port,
        "PAYMENT_SUBGRAPH_PORT",
    )
    worker = Service("payment worker", "payment_worker", "payment_subgraph", ("payment_subgraph.worker",))
    gateway = Service(
        "gateway",
        "gateway",
        "gateway",
        (
            "gateway",
            "--supergraph",
            str(ROOT / "schema" / "supergraph.graphql"),
            "--port",
            str(settings.gateway_port),
        ),
        settings.gateway_port,
        "GATEWAY_PORT",
    )
    fake_stripe = Service(
        "fake Stripe",
        "fake_stripe",
        "fake_stripe",
        ("fake_stripe",),
        settings.fake_stripe_port,
        "FAKE_STRIPE_PORT",
    )
    return [gateway, users, payments, worker, *([fake_stripe] if settings.uses_fake_stripe else [])]


def check_ports(wanted: list[Service]) -> None:
    """Raises PortInUse for the first service whose port another program has, or another of these services."""
    taken: set[int] = set()
    for service in wanted:
        if service.port is None:
            continue
        if service.port in taken or not _is_free(service.port):
            raise PortInUse(service.port, service.title, service.port_variable)
        taken.add(service.port)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port in TIME_WAIT after the last run is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
