"""The table of results."""

from bench.gateways import APOLLO, HIVE, OURS
from bench.measurement import Measurement
from bench.table import table
from bench.workload import Workload

ONE_USER = Workload("B3", "one user", "customers")

EXPECTED = """
|                 | CPU µs/request | requests/s | p50 ms | p99 ms | peak MB | fetches | CPU ratio |   goal | p99 ratio |
|-----------------|---------------:|-----------:|-------:|-------:|--------:|--------:|----------:|-------:|----------:|
| **B3** one user |                |            |        |        |         |         |           |        |           |
| our gateway     |            250 |      4,000 |   2.50 |   4.00 |      50 |     1.0 |           |        |           |
| Hive Gateway    |          2,000 |        480 |  30.00 | 100.00 |     300 |     0.2 |     0.125 | ≤ 0.25 |     0.040 |
| Apollo Gateway  |          2,000 |        480 |  30.00 | 100.00 |     300 |     0.2 |     0.125 |        |     0.040 |
"""


def test_every_gateway_is_set_against_ours() -> None:
    ours = Measurement(cpu_us=250, requests_per_s=4_000, p50_ms=2.5, p99_ms=4, peak_memory_mb=50, fetches=1)
    hives = Measurement(
        cpu_us=2_000, requests_per_s=480, p50_ms=30, p99_ms=100, peak_memory_mb=300, fetches=0.2
    )
    results = {("B3", "gateway"): ours, ("B3", "hive"): hives, ("B3", "apollo"): hives}

    printed = table(results, [OURS, HIVE, APOLLO], [ONE_USER])

    assert printed == EXPECTED.strip()
