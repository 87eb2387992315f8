"""`keys list | rotate | retire`, by hand and by cron, while the service runs."""

import base64
import json
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.held_ports import held_port
from tests.user_subgraph.service import LOGIN, PASSWORD, HeldClock, settings_for
from tests.user_subgraph.test_serving import REGISTER, ask, served
from user_subgraph.__main__ import main
from user_subgraph.clock import utc_now
from user_subgraph.key_commands import rotate
from user_subgraph.signing_keys import create_key, key_files

QUICK_HASHES = {"ARGON2_TIME_COST": "1", "ARGON2_MEMORY_KIB": "8", "ARGON2_PARALLELISM": "1"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"DATA_DIR": str(tmp_path), "USER_SUBGRAPH_PORT": str(held_port()), **QUICK_HASHES}


@pytest.fixture(autouse=True)
def _mask() -> object:
    """`main` sets it for its process."""
    mask = os.umask(0o022)
    yield
    os.umask(mask)


def folder_of(environment: dict[str, str]) -> Path:
    return Path(environment["DATA_DIR"]) / "keys"


def test_rotating_nothing_makes_the_first_key_which_signs_at_once(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "rotate"], environment) == 0

    (path,) = key_files(folder_of(environment))
    assert capsys.readouterr().out == f"{path}: signing\n"


def test_list_tells_what_every_key_is_for(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    now = utc_now()
    for minutes in (540, 360, 180, 9, 0):
        create_key(folder_of(environment), now - timedelta(minutes=minutes))

    assert main(["keys", "list"], environment) == 0
    lines = capsys.readouterr().out.splitlines()
    told = [re.fullmatch(r"\S{43}  ([a-z]+).*  \S+/key_\w{26}\.pem", line) for line in lines]
    assert [line and line[1] for line in told] == ["retired", "retired", "verifying", "signing", "announced"]


@pytest.mark.parametrize(("age", "made"), [(3599, 0), (3601, 1)])
def test_rotating_by_age_leaves_a_young_key_alone(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str], age: int, made: int
) -> None:
    create_key(folder_of(environment), utc_now() - timedelta(seconds=age))

    assert main(["keys", "rotate", "--if-older-than", "3600"], environment) == 0
    assert len(key_files(folder_of(environment))) == 1 + made
    assert len(capsys.readouterr().out.splitlines()) == made


def test_many_who_rotate_by_age_at_once_make_one_key(tmp_path: Path) -> None:
    clock = HeldClock()
    settings = settings_for("sqlite://", tmp_path)
    create_key(tmp_path, clock.now)
    clock.move(7200)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: rotate(settings, clock.now, 3600), range(8)))

    assert len(key_files(tmp_path)) == 2


def test_retire_deletes_what_nobody_needs_any_more(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    now = utc_now()
    old, verifying, signing = (
        create_key(folder_of(environment), now - timedelta(minutes=minutes)) for minutes in (90, 60, 9)
    )

    for _ in range(2):
        assert main(["keys", "retire"], environment) == 0

    assert key_files(folder_of(environment)) == [verifying, signing]
    (said,) = capsys.readouterr().out.splitlines()
    assert said.endswith(f"deleted  {old}")


@pytest.mark.parametrize(
    ("named", "said"), [("unknown", "There is no key"), ("only", "This is the only key")]
)
def test_the_last_key_and_one_that_is_not_there_are_not_retired(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str], named: str, said: str
) -> None:
    assert main(["create-keys"], environment) == 0
    (only,) = key_files(folder_of(environment))

    assert main(["keys", "retire", str(only) if named == "only" else named], environment) == 1
    assert capsys.readouterr().err.startswith(said)
    assert len(key_files(folder_of(environment))) == 1


@pytest.mark.parametrize("action", ["list", "retire"])
def test_without_keys_it_is_said_how_to_make_one(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str], action: str
) -> None:
    assert main(["keys", action], environment) == 2
    assert "create-keys" in capsys.readouterr().err


def test_a_running_service_takes_up_and_drops_keys_without_a_restart(environment: dict[str, str]) -> None:
    assert main(["prepare"], environment) == 0
    with served(environment) as (client, process):
        given = {"email": "ada@example.com", "password": PASSWORD}
        ask(client, REGISTER, input=given)
        old = _kid(client, given)
        (file,) = key_files(folder_of(environment))
        assert main(["keys", "rotate"], environment) == 0
        _until(lambda: len(_published(client)) == 2)
        assert _kid(client, given) == old

        assert main(["keys", "retire", file.name], environment) == 0
        _until(lambda: old not in _published(client))
        assert [_kid(client, given)] == _published(client)
        assert process.poll() is None


def _published(client: httpx.Client) -> list[str]:
    return [key["kid"] for key in client.get("/.well-known/jwks.json").json()["keys"]]


def _kid(client: httpx.Client, given: dict[str, str]) -> str:
    token = ask(client, LOGIN, input=given)["data"]["login"]["tokens"]["accessToken"]  # type: ignore[index]
    return str(json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"])


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
