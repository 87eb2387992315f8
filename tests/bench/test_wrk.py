"""What wrk.lua writes at the end, and how it is read."""

from pathlib import Path

import pytest

from bench.errors import WrkMissing
from bench.wrk import Load, read_load, require_wrk

OUTPUT = """\
Running 2s test @ http://127.0.0.1:38123/graphql
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    13.80ms    3.16ms  51.07ms   88.10%
    Req/Sec     1.17k   137.52     1.35k    75.00%
  2402 requests in 2.01s, 461.24KB read
Requests/sec:   1196.82
Transfer/sec:    229.82KB

{"sent": 2418, "answered": 2402, "microseconds": 2006984, "bytes": 472312, "failed": 3, "p50": 13126, "p99": 29710}
"""


def test_the_last_line_is_read() -> None:
    assert read_load(OUTPUT) == Load(
        sent=2418,
        answered=2402,
        seconds=2.006984,
        response_bytes=472312,
        failed=3,
        p50_ms=13.126,
        p99_ms=29.71,
    )


def test_a_machine_without_wrk_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(WrkMissing, match="apt-get install wrk"):
        require_wrk()
