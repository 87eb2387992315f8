"""`clients …`: an operator says which programs are let in."""

import os
from pathlib import Path

import pytest

from tests.user_subgraph.service import Service, settings_for
from tests.user_subgraph.third_party import Program
from user_subgraph.__main__ import main

CALLBACK = "https://app.example/callback"
APP = ["clients", "add-app", "--name", "Budget", "--redirect-uri", CALLBACK, "--scope", "profile:read"]
MACHINE = ["clients", "add-machine", "--name", "Nightly", "--scope", "reports:read", "--scope", "users:read"]


@pytest.fixture
def environment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    environment = {"DATA_DIR": str(tmp_path)}
    mask = os.umask(0o077)
    assert main(["prepare"], environment) == 0
    os.umask(mask)
    capsys.readouterr()
    return environment


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    lines = capsys.readouterr().out.splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_an_added_machine_gets_tokens(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(MACHINE, environment) == 0

    machine = told(capsys)
    folder = Path(environment["DATA_DIR"])
    service = Service(settings_for(f"sqlite+pysqlite:///{folder}/users.sqlite3", folder / "keys"))
    program = Program(service, machine["client_id"], machine["client_secret"])
    assert program.token(grant_type="client_credentials").get_json()["scope"] == "reports:read users:read"
    assert [row["action"] for row in service.rows("SELECT action FROM audit_events")] == ["client.added"]
    service.close()


def test_a_public_app_has_no_secret(environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*APP, "--public"], environment) == 0

    assert set(told(capsys)) == {"client_id"}


def test_all_are_listed(environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    main(APP, environment)
    app = told(capsys)
    main(MACHINE, environment)
    machine = told(capsys)

    assert main(["clients", "list"], environment) == 0

    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines) == sorted(
        [
            f"{app['client_id']}  Budget  profile:read  {CALLBACK}",
            f"{machine['client_id']}  Nightly  reports:read users:read  a machine",
        ]
    )
    assert app["client_secret"] not in " ".join(lines)


def test_a_new_secret_takes_the_place_of_the_old(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(MACHINE, environment)
    old = told(capsys)

    assert main(["clients", "new-secret", old["client_id"]], environment) == 0

    new = told(capsys)
    assert new["client_id"] == old["client_id"]
    assert new["client_secret"] != old["client_secret"]


def test_a_removed_client_is_gone(environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    main(MACHINE, environment)
    client_id = told(capsys)["client_id"]

    assert main(["clients", "remove", client_id], environment) == 0
    assert main(["clients", "remove", client_id], environment) == 1
    assert main(["clients", "new-secret", client_id], environment) == 1

    said = capsys.readouterr()
    assert said.out == f"{client_id} is removed.\n"
    assert "clients list" in said.err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([*APP, "--scope", "profile:write"], "profile:write: not for such a client"),
        ([*MACHINE, "--scope", "payments:read"], "payments:read: not for such a client"),
        ([*APP, "--redirect-uri", "http://app.example/"], "must begin with https://"),
        ([*APP, "--redirect-uri", "javascript:alert(1)"], "must begin with https://"),
        ([*APP, "--name", " Budget"], "A name has 1 to 80 characters"),
        ([*APP, "--name", "x" * 81], "A name has 1 to 80 characters"),
        ([*APP, *(["--redirect-uri", CALLBACK] * 10)], "10 addresses are enough"),
        (["clients", "remove", "\x00"], "There is no client"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str], arguments: list[str], part: str
) -> None:
    assert main(arguments, environment) == 1

    said = capsys.readouterr()
    assert part in said.err
    assert said.out == ""
    main(["clients", "list"], environment)
    assert capsys.readouterr().out == ""
