"""What the README promises, done as it says."""

import json
import re
import shutil
import subprocess

import pytest

from launcher.settings import ROOT
from tests.e2e.client import Client
from tests.e2e.readme import README, blocks
from tests.e2e.running_system import RunningSystem


def test_the_printed_mutations_do_what_is_said_of_them(anonymous: Client, ada: Client) -> None:
    _, login, pay = blocks("graphql")

    assert anonymous.get(login)["login"]["tokens"]["expiresIn"] == 600
    first, second = ada.get(pay)["createPayment"], ada.get(pay)["createPayment"]
    assert (first["replayed"], second["replayed"]) == (False, True)
    assert first["payment"] == second["payment"]


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl: install the package of that name")
def test_the_shell_commands_answer(system: RunningSystem) -> None:
    (commands,) = [block for block in blocks("sh") if "curl" in block]

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands.replace("http://127.0.0.1:8000", system.gateway_url)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout)["data"]["me"]["email"] == "ada@example.com"


def test_every_linked_place_exists() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
