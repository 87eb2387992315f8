"""Very many requests, and the memory of the gateway along the way."""

from bench.comparison import Options
from bench.line_up import LineUp, Tell, lined_up
from bench.wrk import drive

REPORTS = 20


def soak(requests: int, options: Options, tell: Tell) -> None:
    """Send *requests* to the first gateway, each workload in turn, and print about 20 times what memory it holds."""
    with lined_up(options.gateways[:1], options.workloads, tell) as line_up:
        print(f"{'requests':>10} {'memory MB':>10}")
        sent = reported = 0
        while sent < requests:
            for entry in line_up.entries:
                sent += drive(entry.running.url, entry.bodies, options.connections, options.seconds).answered
            if sent - reported >= requests / REPORTS or sent >= requests:
                reported = sent
                print(f"{sent:>10,} {_memory_mb(line_up):>10.1f}", flush=True)


def _memory_mb(line_up: LineUp) -> float:
    """Of all processes together; one serves each federation."""
    groups = {entry.running.processes for entry in line_up.entries}
    return sum(group.memory_bytes() for group in groups) / 1e6
