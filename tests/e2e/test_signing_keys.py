"""A signing key is stolen: another takes its place while the whole system runs, and all of it believes only that one."""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

from launcher.settings import ROOT
from tests.e2e.client import ONE_QUERY, Client, eventually
from tests.e2e.running_system import RunningSystem, clean_environment, running_system


def keys(data_dir: Path, *arguments: str) -> str:
    command = [str(ROOT / "user_subgraph/.venv/bin/python"), "-m", "user_subgraph", "keys", *arguments]
    given = clean_environment() | {"DATA_DIR": str(data_dir)}
    return subprocess.run(command, cwd=ROOT, env=given, check=True, capture_output=True, text=True).stdout


def kid_of(client: Client) -> str:
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(f"{str(client.token).partition('.')[0]}=="))
    return str(header["kid"])


def refusals(system: RunningSystem, token: str | None) -> list[set[str]]:
    """What gateway, user subgraph and payment subgraph, each asked by itself, have against *token*."""
    asked = {
        system.gateway_url: ONE_QUERY,
        system.users_url: "{ me { email } }",
        system.payments_url: "{ __typename }",
    }
    answers = [Client(f"{url}/graphql", token).ask(query) for url, query in asked.items()]
    return [{error["extensions"]["code"] for error in answer.get("errors", [])} for answer in answers]


def test_a_stolen_key_is_replaced_without_a_restart(tmp_path: Path) -> None:
    with running_system(tmp_path) as system:
        pids, anonymous = system.pids(), Client(f"{system.gateway_url}/graphql")
        before = anonymous.logged_in("ada@example.com")
        assert refusals(system, before.token) == [set(), set(), set()]

        (line,) = keys(tmp_path, "list").splitlines()
        stolen, *_, file = line.split()
        keys(tmp_path, "rotate")
        keys(tmp_path, "retire", file)
        after = eventually(
            lambda: anonymous.logged_in("ada@example.com"), lambda client: kid_of(client) != stolen
        )

        eventually(lambda: refusals(system, after.token), lambda seen: seen == [set(), set(), set()])
        assert kid_of(before) == stolen
        assert refusals(system, before.token) == [{"UNAUTHENTICATED"}] * 3
        assert system.pids() == pids
