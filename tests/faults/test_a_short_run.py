"""The rig itself, for half a minute on each database: `make faults` is the long run."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.faults.databases import RunDatabase, postgres, sqlite_file
from tests.faults.rig import Outcome, run
from tests.faults.settings import BadSetting, RigSettings

Opened = Callable[[Path], AbstractContextManager[RunDatabase]]


def outcome_of(settings: RigSettings, opened: Opened, folder: Path) -> Outcome:
    with opened(folder) as database:
        return asyncio.run(run(settings, database, folder, lambda _: None))


@pytest.mark.parametrize(
    "opened", [sqlite_file, lambda _folder: postgres(None)], ids=["sqlite", "postgresql"]
)
def test_nothing_is_lost_and_nothing_done_twice(opened: Opened, tmp_path: Path) -> None:
    settings = RigSettings(seed=20_261_128, payments=10)

    outcome = outcome_of(settings, opened, tmp_path)

    assert outcome.left == []
    assert outcome.unanswered == []
    assert outcome.told == []
    assert outcome.found["payments"] >= settings.payments
    assert outcome.mischief.total() > 0


def test_the_same_is_seen_from_outside(tmp_path: Path) -> None:
    """Nothing of the service's own helps: a proxy before Stripe, kills, and what the API answers."""
    settings = RigSettings(seed=20_261_129, payments=8, black_box=True)

    outcome = outcome_of(settings, sqlite_file, tmp_path)

    assert outcome.left == []
    assert outcome.unanswered == []
    assert outcome.told == []
    assert outcome.found["payments at Stripe"] > 0
    assert any(name.startswith("proxy: ") for name in outcome.mischief)


def test_the_settings_come_from_the_environment() -> None:
    read = RigSettings.read(
        {"FAULT_SEED": "7", "FAULT_PAYMENTS": "9", "FAULT_DATABASE_URL": "postgresql:///x"}
    )

    assert (read.seed, read.payments, read.database_url) == (7, 9, "postgresql:///x")
    with pytest.raises(BadSetting, match="FAULT_PAYMENTS must be a whole number"):
        RigSettings.read({"FAULT_PAYMENTS": "many"})
