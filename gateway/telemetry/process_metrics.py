"""What this process uses, under the names that Prometheus' own client libraries give it. Empty where there is no /proc."""

import os
import resource
import time
from pathlib import Path

from gateway.telemetry.prometheus import CounterOf, Gauge, Metric

PROC = Path("/proc/self")
STARTED_AT = time.time()


def process_metrics() -> tuple[Metric, ...]:
    if not PROC.exists():
        return ()
    return (
        CounterOf("process_cpu_seconds_total", "Processor time, user and system.", time.process_time),
        Gauge("process_resident_memory_bytes", "Memory that is held.", _resident_bytes),
        Gauge("process_open_fds", "Open files and connections.", _open_files),
        Gauge("process_max_fds", "The most of them there may be.", _most_files),
        Gauge("process_start_time_seconds", "When it began, in Unix time.", lambda: STARTED_AT),
    )


def _resident_bytes() -> int:
    return int((PROC / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _open_files() -> int:
    return len(list((PROC / "fd").iterdir()))


def _most_files() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
