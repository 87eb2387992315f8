"""The thread beside the requests."""

import logging
import threading

import pytest
from sqlalchemy.exc import OperationalError

from user_subgraph.upkeep import upkeep


def test_the_task_is_done_at_once_and_again_until_the_end() -> None:
    done, twice = [], threading.Event()

    def task() -> None:
        done.append(threading.current_thread().name)
        if len(done) == 2:
            twice.set()

    with upkeep(task, 0.001):
        assert twice.wait(60)
    count = len(done)

    assert set(done) == {"upkeep"}
    assert "upkeep" not in {thread.name for thread in threading.enumerate()}
    assert len(done) == count


def test_a_database_that_is_away_is_logged_and_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    tries, again = [], threading.Event()

    def task() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise OperationalError("SELECT", {}, Exception("away"))
        again.set()

    with caplog.at_level(logging.ERROR), upkeep(task, 0.001):
        assert again.wait(60)

    assert [record.message for record in caplog.records] == ["upkeep failed"]
