"""The comparison: everybody is started, checked, warmed up, and measured in turns."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import median

from bench.gateways import Gateway
from bench.line_up import Entry, Tell, lined_up
from bench.measurement import Measurement, measure
from bench.workload import Workload
from bench.wrk import Load, drive

Results = Mapping[tuple[str, str], Measurement]
"""(workload, gateway) -> the median of its rounds"""


WARM_REQUESTS = 1_000
"""After so many the just-in-time compilers of the others have seen it all; or after *warm_up_seconds*."""
LEAST_REQUESTS = 200
"""A run of wrk is longer for who would answer fewer: of a few, those under way at its end are too large a part."""
LONGEST = 8
"""times as long."""


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
        turns: list[tuple[Entry, int]] = []
        for entry in line_up.entries:
            tell(f"warming up {entry.title}")
            turns.append((entry, _seconds(_warm_up(entry, options), options)))
        for number in range(1, options.rounds + 1):
            for entry, seconds in turns:
                seen = measure(entry, line_up.stub, options.connections, seconds)
                rounds[entry.workload.name, entry.running.gateway.name].append(seen)
                tell(f"round {number}: {entry.title}: {seen.cpu_us:.0f} µs a request")
    return {pair: _median(each) for pair, each in rounds.items()}


def _warm_up(entry: Entry, options: Options) -> Load:
    """The last part of it."""
    answered = 0
    for _ in range(0, options.warm_up_seconds, options.seconds):
        load = drive(entry.running.url, entry.bodies, options.connections, options.seconds)
        answered += load.answered
        if answered >= WARM_REQUESTS:
            break
    entry.running.processes.wait_until_idle()
    return load


def _seconds(seen: Load, options: Options) -> int:
    """How long a run has to be."""
    needed = math.ceil(LEAST_REQUESTS / max(seen.requests_per_s, 1))
    return min(max(needed, options.seconds), options.seconds * LONGEST)


def _median(seen: Sequence[Measurement]) -> Measurement:
    return Measurement(
        **{each.name: median(getattr(one, each.name) for one in seen) for each in fields(Measurement)}
    )
