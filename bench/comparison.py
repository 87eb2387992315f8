"""The comparison: everybody is started, checked, warmed up, and measured in turns."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import median

from bench.gateways import Gateway
from bench.line_up import Tell, lined_up
from bench.measurement import Measurement, measure
from bench.workload import Workload
from bench.wrk import drive

Results = Mapping[tuple[str, str], Measurement]
"""(workload, gateway) -> the median of its rounds"""


@dataclass(frozen=True)
class Options:
    gateways: Sequence[Gateway]
    workloads: Sequence[Workload]
    rounds: int
    seconds: int
    """Of every run of wrk."""
    warm_up_seconds: int
    connections: int


def compare(options: Options, tell: Tell) -> Results:
    """Raises BenchError."""
    rounds: dict[tuple[str, str], list[Measurement]] = defaultdict(list)
    with lined_up(options.gateways, options.workloads, tell) as line_up:
        for entry in line_up.entries:
            tell(f"warming up {entry.title}")
            drive(entry.running.url, entry.bodies, options.connections, options.warm_up_seconds)
        for number in range(1, options.rounds + 1):
            for entry in line_up.entries:
                seen = measure(entry, line_up.stub, options.connections, options.seconds)
                rounds[entry.workload.name, entry.running.gateway.name].append(seen)
                tell(f"round {number}: {entry.title}: {seen.cpu_us:.0f} µs a request")
    return {pair: _median(each) for pair, each in rounds.items()}


def _median(seen: Sequence[Measurement]) -> Measurement:
    return Measurement(
        **{each.name: median(getattr(one, each.name) for one in seen) for each in fields(Measurement)}
    )
