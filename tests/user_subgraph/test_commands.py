"""The commands of an operator: exit status, one sentence when refused, safe to run again."""

import io
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from user_subgraph.__main__ import main
from user_subgraph.database import Database
from user_subgraph.federation import subgraph_sdl
from user_subgraph.signing_keys import key_files
from user_subgraph.user import User
from user_subgraph.user_repository import UserRepository

QUICK_HASHES = {"ARGON2_TIME_COST": "1", "ARGON2_MEMORY_KIB": "8", "ARGON2_PARALLELISM": "1"}


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    mask = os.umask(0o022)
    yield {"DATA_DIR": str(tmp_path), **QUICK_HASHES}
    os.umask(mask)


def stored_user(environment: dict[str, str], email: str) -> User | None:
    database = Database(f"sqlite:///{environment['DATA_DIR']}/users.sqlite3")
    with database.reading() as session:
        users = UserRepository(session)
        found = users.id_of(email)
        user = users.by_ids([found])[found] if found else None
    database.close()
    return user


def stored_roles(environment: dict[str, str], email: str) -> set[str]:
    user = stored_user(environment, email)
    return {role.value for role in user.roles} if user else set()


def is_verified(environment: dict[str, str], email: str) -> bool:
    user = stored_user(environment, email)
    return user is not None and user.email_verified


def test_print_schema_needs_neither_settings_nor_a_database(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["print-schema"], {"USER_SUBGRAPH_PORT": "wrong"}) == 0
    assert capsys.readouterr().out == subgraph_sdl()


def test_create_keys_makes_the_first_key_and_no_other(environment: dict[str, str], tmp_path: Path) -> None:
    for _ in range(2):
        assert main(["create-keys"], environment) == 0

    assert len(key_files(tmp_path / "keys")) == 1


def test_the_database_file_is_for_its_owner_alone(environment: dict[str, str], tmp_path: Path) -> None:
    assert main(["migrate"], environment) == 0

    assert (tmp_path / "users.sqlite3").stat().st_mode & 0o777 == 0o600


def test_demo_data_can_be_made_again_and_changes_nothing_then(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    demo = environment | {"DEMO_MODE": "1"}
    assert [main([command], demo) for command in ("migrate", "create-demo-data", "create-demo-data")] == [
        0,
        0,
        0,
    ]

    assert capsys.readouterr().out == "5 demo accounts added\n0 demo accounts added\n"
    emails = [f"{who}@example.com" for who in ("ada", "grace", "support", "finance", "admin")]
    roles = [stored_roles(demo, email) for email in emails]
    assert roles == [{"CUSTOMER"}, {"CUSTOMER"}, {"SUPPORT"}, {"FINANCE"}, {"ADMIN"}]
    assert all(is_verified(demo, email) for email in emails)


@pytest.mark.parametrize(("demo_mode", "adas_roles"), [("1", {"CUSTOMER"}), ("0", set())])
def test_prepare_does_all_that_a_first_start_needs_and_nothing_twice(
    environment: dict[str, str], tmp_path: Path, demo_mode: str, adas_roles: set[str]
) -> None:
    for _ in range(2):
        assert main(["prepare"], environment | {"DEMO_MODE": demo_mode}) == 0

    assert len(key_files(tmp_path / "keys")) == 1
    assert stored_roles(environment, "ada@example.com") == adas_roles


def test_demo_data_is_only_for_demonstrations(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate"], environment) == 0
    assert main(["create-demo-data"], environment) == 2

    assert capsys.readouterr().err.startswith("DEMO_MODE must be 1")
    assert stored_roles(environment, "ada@example.com") == set()


def test_create_admin_reads_the_password_from_standard_input(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate"], environment) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough one\n" * 2))

    assert main(["create-admin", "--email", "Root@example.com"], environment) == 0
    assert capsys.readouterr().out.startswith("usr_")
    assert stored_roles(environment, "root@example.com") == {"ADMIN"}
    assert is_verified(environment, "root@example.com")
    assert main(["create-admin", "--email", "root@example.com"], environment) == 1
    assert capsys.readouterr().err == "email: Another account has this address.\n"


def test_create_admin_stands_in_the_audit_log_without_an_actor(
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["migrate"], environment) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough one\n"))

    assert main(["create-admin", "--email", "root@example.com"], environment) == 0

    new_id = capsys.readouterr().out.strip()
    with closing(sqlite3.connect(tmp_path / "users.sqlite3")) as database:
        recorded = database.execute("SELECT action, actor_id, subject_id FROM audit_events")
        assert recorded.fetchall() == [("user.created", None, new_id)]


def test_create_admin_refuses_a_weak_password(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate"], environment) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))

    assert main(["create-admin", "--email", "root@example.com"], environment) == 1
    assert capsys.readouterr().err == "password: At least 12 characters; a few words are fine.\n"


def test_a_bad_setting_is_one_sentence_and_status_2(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate"], environment | {"USER_SUBGRAPH_PORT": "eight"}) == 2
    assert (
        capsys.readouterr().err == "USER_SUBGRAPH_PORT must be a whole number from 1 to 65535, not 'eight'.\n"
    )


@pytest.mark.parametrize("command", ["migrate", "create-demo-data"])
def test_a_database_that_does_not_answer_is_one_sentence(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str], command: str
) -> None:
    nowhere = {"USER_DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:1/nothing", "DEMO_MODE": "1"}
    assert main([command], environment | nowhere) == 2

    said = capsys.readouterr().err
    assert said.startswith("USER_DATABASE_URL: ")
    assert said.count("\n") == 1
    assert "secret" not in said


def test_a_file_that_is_no_database_is_one_sentence(
    environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "users.sqlite3").write_text("hello " * 100)

    assert main(["migrate"], environment) == 2
    assert capsys.readouterr().err == "USER_DATABASE_URL: file is not a database.\n"


def test_a_database_of_a_newer_version_is_one_sentence(
    environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate"], environment) == 0
    with closing(sqlite3.connect(tmp_path / "users.sqlite3")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")

    assert main(["migrate"], environment) == 2
    assert capsys.readouterr().err == "USER_DATABASE_URL: Can't locate revision identified by '9999'.\n"


@pytest.mark.parametrize("command", [["create-demo-data"], ["clients", "list"]])
def test_where_no_tables_are_is_said_with_the_place_and_the_settings_of_another(
    environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert main(command, environment | {"DEMO_MODE": "1"}) == 2

    said = capsys.readouterr().err
    assert said.startswith(
        f"USER_DATABASE_URL: {tmp_path}/users.sqlite3 does not answer, or its tables are missing"
    )
    assert said.endswith("If your database is elsewhere, say so by USER_DATABASE_URL or DATA_DIR.\n")


def test_where_a_database_was_looked_for_is_told_without_its_password(
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = "postgresql://ada:hush-hush@127.0.0.1:1/users?connect_timeout=1"

    assert main(["clients", "list"], {"USER_DATABASE_URL": url}) == 2

    said = capsys.readouterr().err
    assert said.startswith("USER_DATABASE_URL: 127.0.0.1/users does not answer")
    assert "hush" not in said


@pytest.mark.parametrize("command", ["migrate", "create-keys"])
def test_a_data_folder_that_cannot_be_made_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (tmp_path / "file").touch()

    assert main([command], {"DATA_DIR": str(tmp_path / "file")}) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_second_factor_is_taken_only_from_who_has_one(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prepare"], environment | {"DEMO_MODE": "1"}) == 0
    capsys.readouterr()

    statuses = [
        main(["take-away-mfa", "--email", email], environment)
        for email in ("ada@example.com", "nobody@example.com", "no address")
    ]

    assert statuses == [1, 1, 1]
    assert capsys.readouterr().err.splitlines() == [
        "ada@example.com has no account with a second factor.",
        "nobody@example.com has no account with a second factor.",
        "no address has no account with a second factor.",
    ]


def test_a_second_factor_is_taken_away(
    environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prepare"], environment | {"DEMO_MODE": "1"}) == 0
    with closing(sqlite3.connect(tmp_path / "users.sqlite3")) as database:
        database.execute("UPDATE users SET mfa_enabled = 1 WHERE email = 'ada@example.com'")
        database.commit()

    assert main(["take-away-mfa", "--email", "Ada@Example.com"], environment) == 0

    assert capsys.readouterr().out.endswith(
        "The password alone is enough now, and all sessions have ended.\n"
    )
    assert main(["take-away-mfa", "--email", "ada@example.com"], environment) == 1
