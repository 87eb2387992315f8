"""`python -m tests.faults`: people pay while processes are killed and Stripe goes wrong. See README.md beside this file.

The exit status is 1 when anything is not as it must be in the end.
"""

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from time import monotonic

from payment_subgraph.crash_points import CrashPoint
from tests.faults.black_box import CHECKS
from tests.faults.databases import RunDatabase, postgres, sqlite_file
from tests.faults.invariants import CHECKERS
from tests.faults.rig import Outcome, run
from tests.faults.settings import BadSetting, RigSettings

_TELL_LOGS_EVERY_S = 15


def main() -> int:
    try:
        settings = RigSettings.read(black_box="--black-box" in sys.argv[1:])
    except BadSetting as bad:
        sys.stderr.write(f"{bad}\n")
        return 2
    how = " --black-box" if settings.black_box else ""
    print(f"FAULT_SEED={settings.seed} FAULT_PAYMENTS={settings.payments}{how}")
    return max([_run_on(settings, kind) for kind in _kinds(settings)])


def _kinds(settings: RigSettings) -> list[str]:
    """A database that was named, or both that are supported."""
    return ["PostgreSQL"] if settings.database_url else ["SQLite", "PostgreSQL"]


def _run_on(settings: RigSettings, kind: str) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as folder,
        _opened(settings, kind, Path(folder)) as database,
    ):
        print(f"\n── {kind}")
        outcome = asyncio.run(run(settings, database, Path(folder), _Teller()))
        _show(outcome, settings)
        wrong = bool(outcome.left or outcome.unanswered or outcome.told)
        if wrong:
            _keep_logs(Path(folder))
    return int(wrong)


def _opened(settings: RigSettings, kind: str, folder: Path) -> AbstractContextManager[RunDatabase]:
    return sqlite_file(folder) if kind == "SQLite" else postgres(settings.database_url)


class _Teller:
    """One line that changes, or in a log a line now and then."""

    def __init__(self) -> None:
        self._told_at = monotonic()

    def __call__(self, line: str) -> None:
        if sys.stdout.isatty():
            print(f"\r  {line:100}", end="", flush=True)
        elif monotonic() - self._told_at > _TELL_LOGS_EVERY_S:
            self._told_at = monotonic()
            print(f"  {line}", flush=True)


def _show(outcome: Outcome, settings: RigSettings) -> None:
    if sys.stdout.isatty():
        print(f"\r{'':104}\r", end="")
    speed = settings.payments / outcome.took_s
    print(
        f"  {settings.payments} purchases in {outcome.took_s:.0f} s ({speed:.1f} a second), quiet {outcome.quiet_after_s:.1f} s later"
    )
    for title, counts in (
        ("asked", outcome.requests),
        ("unclear answers", outcome.unclear),
        ("went wrong", outcome.mischief),
        ("came of it", outcome.found),
    ):
        print(f"  {title}:")
        print("\n".join(f"    {count:7} {name}" for name, count in sorted(counts.items())))
    print(f"  {outcome.deaths} processes ended and came back")
    print(
        "\n".join(_death_table(outcome.crashes))
        if not settings.black_box
        else "  no crash points: killed from outside only"
    )
    print("\n".join(verdicts(outcome, black_box=settings.black_box)))


def _death_table(crashes: Counter[tuple[str, str]]) -> Iterator[str]:
    """Each crash point, how often a process died there, and what was under way."""
    for point in CrashPoint:
        at = sorted((under_way, count) for (name, under_way), count in crashes.items() if name == point)
        told = ", ".join(f"{count} {under_way}" for under_way, count in at)
        yield f"    {sum(count for _, count in at):7} died at {point:40} {told}"


def verdicts(outcome: Outcome, *, black_box: bool) -> Iterator[str]:
    """A line for each thing that was looked at, and what was found wrong with it."""
    names = list(CHECKS if black_box else CHECKERS)
    failed = Counter(each.invariant for each in outcome.left)
    for name in names:
        yield f"  {'FAILED' if failed[name] else 'holds '}  {name}"
        yield from (f"            {each.what}" for each in outcome.left[:200] if each.invariant == name)
    yield from (f"  never answered: {asked}" for asked in outcome.unanswered[:10])
    yield from (f"  a secret was told: {finding}" for finding in outcome.told[:10])


def _keep_logs(folder: Path) -> None:
    kept = Path(tempfile.mkdtemp(prefix="faults-logs-"))
    for file in folder.glob("*"):
        if file.suffix in {".log", ".sqlite3"}:
            (kept / file.name).write_bytes(file.read_bytes())
    print(f"  the logs are kept in {kept}")


if __name__ == "__main__":
    sys.exit(main())
