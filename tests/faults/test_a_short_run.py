"""The rig itself, for a minute: `make faults` is the long run."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.rig import run
from tests.faults.settings import BadSetting, RigSettings


def test_nothing_is_lost_and_nothing_done_twice(tmp_path: Path) -> None:
    settings = RigSettings(seed=20_261_128, payments=16)

    outcome = asyncio.run(run(settings, tmp_path, lambda _: None))

    assert outcome.left == []
    assert outcome.unanswered == []
    assert len(outcome.books.payments) >= settings.payments
    assert outcome.mischief.total() > 10


def test_the_settings_come_from_the_environment() -> None:
    read = RigSettings.read(
        {"FAULT_SEED": "7", "FAULT_PAYMENTS": "9", "FAULT_DATABASE_URL": "postgresql:///x"}
    )

    assert (read.seed, read.payments, read.database_url) == (7, 9, "postgresql:///x")
    with pytest.raises(BadSetting, match="FAULT_PAYMENTS must be a whole number"):
        RigSettings.read({"FAULT_PAYMENTS": "many"})
