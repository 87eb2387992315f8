"""Everybody that takes part: the stub and the gateways, running, and known to answer rightly."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.customers import customers
from bench.errors import WrongAnswer
from bench.federation import Federation
from bench.gateways import Gateway
from bench.graphql_client import ask
from bench.museum import museum
from bench.running_gateway import RunningGateway, serving
from bench.subgraphs import RunningStub, running_stub
from bench.workload import Workload
from gateway.supergraph.reader import load_supergraph

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Entry:
    """One gateway under one workload."""

    running: RunningGateway
    workload: Workload
    bodies: Path
    """A file with the requests, one a line."""
    answer_bytes: float
    """Of its answers to them, on average."""

    @property
    def title(self) -> str:
        return f"{self.workload.name} on {self.running.gateway.title}"


@dataclass(frozen=True)
class LineUp:
    stub: RunningStub
    entries: Sequence[Entry]
    """By workload, then by gateway: the order in which they take turns."""


@contextmanager
def lined_up(gateways: Sequence[Gateway], workloads: Sequence[Workload], tell: Tell) -> Iterator[LineUp]:
    """Start everybody and check what they answer; raises GatewayNotStarted and WrongAnswer."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        stub = stack.enter_context(running_stub(folder))
        entries: list[Entry] = []
        for federation in _asked(workloads):
            supergraph = folder / f"{federation.name}.graphql"
            supergraph.write_text(federation.supergraph(stub.url))
            for gateway in gateways:
                tell(f"starting {gateway.title} with the {federation.name}")
                log = folder / f"{gateway.name}-{federation.name}.log"
                running = stack.enter_context(serving(gateway, supergraph, log))
                entries += [
                    _entered(running, each, federation, folder)
                    for each in workloads
                    if each.federation == federation.name
                ]
        yield LineUp(stub, sorted(entries, key=lambda entry: workloads.index(entry.workload)))


def _asked(workloads: Sequence[Workload]) -> list[Federation]:
    wanted = {workload.federation for workload in workloads}
    return [each for each in (museum(), customers()) if each.name in wanted]


def _entered(running: RunningGateway, workload: Workload, federation: Federation, folder: Path) -> Entry:
    """Check every answer; raises WrongAnswer."""
    api_schema = load_supergraph(federation.supergraph("")).api_schema
    bodies = workload.bodies()
    size = 0
    for body, variables in zip(bodies, workload.variables, strict=True):
        answer = ask(running.url, body).body
        truth = federation.answer_directly(api_schema, workload.operation, variables)
        if json.loads(answer) != truth:
            raise WrongAnswer(running.gateway.title, workload.name, answer.decode())
        size += len(answer)
    file = folder / f"{workload.name}.jsonl"
    file.write_text("".join(f"{body}\n" for body in bodies))
    return Entry(running, workload, file, size / len(bodies))
