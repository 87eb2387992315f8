"""`python -m tests.faults`: payments, refunds and cancellations while processes are killed and Stripe goes wrong.

FAULT_SEED and FAULT_PAYMENTS set the seed and the size, FAULT_DATABASE_URL an empty PostgreSQL database in place of a
SQLite file. The exit status is 1 when anything is not as it must be in the end.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.faults.invariants import CHECKERS
from tests.faults.rig import Outcome, run
from tests.faults.settings import BadSetting, RigSettings


def main() -> int:
    try:
        settings = RigSettings.read()
    except BadSetting as bad:
        sys.stderr.write(f"{bad}\n")
        return 2
    where = "PostgreSQL" if settings.database_url else "SQLite"
    print(f"FAULT_SEED={settings.seed} FAULT_PAYMENTS={settings.payments} on {where}")
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        outcome = asyncio.run(run(settings, Path(folder), _progress))
        _show(outcome)
        if outcome.left:
            _keep_logs(Path(folder))
    return 1 if outcome.left or outcome.unanswered else 0


def _progress(line: str) -> None:
    if sys.stdout.isatty():
        print(f"\r  {line:60}", end="", flush=True)


def _show(outcome: Outcome) -> None:
    books = outcome.books
    print(f"\r{'':62}\r  went wrong:  {_counted(outcome.mischief)}; {outcome.deaths} processes started again")
    print(f"  died at:     {_counted(outcome.crashes)}")
    print(f"  asked:       {_counted(outcome.requests)}")
    print(
        f"  came of it:  {len(books.payments)} payments, {len(books.refunds)} refunds, "
        f"{len(books.operations)} operations, {len(books.events)} events; "
        f"at Stripe {len(books.stripe_payments)} and {len(books.stripe_refunds)}"
    )
    print(f"  quiet after: {outcome.quiet_after_s:.1f} s")
    for name in CHECKERS:
        found = [each.what for each in outcome.left if each.invariant == name]
        print(f"  {'FAILED' if found else 'holds '}  {name}")
        for what in found[:10]:
            print(f"            {what}")
    for asked in outcome.unanswered[:10]:
        print(f"  never answered: {asked}")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _keep_logs(folder: Path) -> None:
    kept = Path(tempfile.mkdtemp(prefix="faults-logs-"))
    for file in folder.glob("*"):
        if file.suffix in {".log", ".sqlite3"}:
            (kept / file.name).write_bytes(file.read_bytes())
    print(f"  the logs are kept in {kept}")


if __name__ == "__main__":
    sys.exit(main())
