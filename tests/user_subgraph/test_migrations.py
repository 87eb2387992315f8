"""The migrations lead to exactly the tables of the models, and can be run again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text

from bench.users.stored_users import store
from tests.user_subgraph.service import Service, wait_until_somebody_waits
from user_subgraph.database import Database, alembic_config
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.tables import Base
from user_subgraph.user_repository import UserRepository

AT_ONCE = 10_000  # as migration 0016 reads them


def test_the_migrated_tables_are_those_of_the_models(database_url: str) -> None:
    database = Database(database_url)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        difference = compare_metadata(context, Base.metadata)
    database.close()

    assert difference == []


def test_the_checks_of_the_models_stand_in_the_database(service: Service, backend: str) -> None:
    """Autogenerate does not compare CHECK constraints, so they are tried by name."""
    expected = {"ck_users_status", "ck_users_version", "ck_user_roles_role"}
    if backend == "sqlite":
        sql = " ".join(
            row["sql"] for row in service.rows("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        )
        found = {name for name in expected if f"CONSTRAINT {name} CHECK" in sql}
    else:
        rows = service.rows("SELECT conname FROM pg_constraint WHERE contype = 'c'")
        found = {row["conname"] for row in rows} & expected

    assert found == expected


def test_migrating_again_changes_nothing(service: Service) -> None:
    service.add_user("ada@example.com")
    before = service.everything()

    service.parts.database.migrate()

    assert service.everything() == before
    assert service.parts.database.is_ready()


def test_a_database_of_another_version_is_not_ready(service: Service) -> None:
    database = service.parts.database
    (newest,) = service.rows("SELECT version_num FROM alembic_version")
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    ready = database.is_ready()
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :version_num"), newest)

    assert not ready
    assert database.is_ready()


def test_all_the_way_down_and_up_again(service: Service) -> None:
    database = service.parts.database
    for move, revision in ((command.downgrade, "base"), (command.upgrade, "head")):
        with database.engine.execution_options(writing=True).begin() as connection:
            move(alembic_config(connection), revision)

    assert database.is_ready()
    assert set(map(len, service.everything().values())) == {0}


def test_where_old_acts_came_from_moves_out_of_a_filled_log(service: Service) -> None:
    database = service.parts.database

    def move(direction: Callable[[Config, str], None], revision: str) -> None:
        with database.engine.execution_options(writing=True).begin() as connection:
            direction(alembic_config(connection), revision)

    move(command.downgrade, "0002")
    with database.writing() as session:
        session.execute(
            text("""INSERT INTO audit_events
                (id, action, actor_id, subject_id, ip_address, request_id, changes, created_at) VALUES
                ('aud_1', 'login.failed', NULL, 'usr_1', '192.0.2.7', 'req-1', '[]', '2026-11-23 10:00:00'),
                ('aud_2', 'user.deleted', 'usr_2', 'usr_1', NULL, 'req-2', '[]', '2026-11-23 10:00:00'),
                ('aud_3', 'user.created', NULL, 'usr_1', NULL, NULL, '[]', '2026-11-23 10:00:00')""")
        )
    move(command.upgrade, "head")

    assert len(service.rows("SELECT * FROM audit_events")) == 3
    assert [tuple(row.values()) for row in service.rows("SELECT * FROM audit_origins ORDER BY event_id")] == [
        ("aud_1", "usr_1", "192.0.2.7", "req-1"),
        ("aud_2", "usr_2", None, "req-2"),
    ]


def test_a_mail_that_waits_is_about_its_recipient_still(service: Service) -> None:
    database = service.parts.database

    def move(direction: Callable[[Config, str], None], revision: str) -> None:
        with database.engine.execution_options(writing=True).begin() as connection:
            direction(alembic_config(connection), revision)

    move(command.downgrade, "0009")
    with database.writing() as session:
        session.execute(
            text("""INSERT INTO outgoing_mails
                (id, kind, recipient, attempts, next_attempt_at, created_at) VALUES
                ('mail_1', 'RESET_PASSWORD', 'ada@example.com', 0, '2026-11-23 10:00:00', '2026-11-23 10:00:00')""")
        )
    move(command.upgrade, "head")
    with database.writing() as session:
        taken = OutgoingMails(session).taken(service.clock(), service.clock())

    assert taken is not None
    assert (taken.id, taken.recipient, taken.about) == ("mail_1", "ada@example.com", None)


def test_sessions_get_generations_and_lose_them_again(service: Service) -> None:
    """Two used tokens and two good ones; the sessions of before and their tokens stay, and so does what they are good for."""
    user, database = service.add_user("ada@example.com"), service.parts.database
    moved = database.engine.execution_options(writing=True)
    with moved.begin() as connection:
        command.downgrade(alembic_config(connection), "0005")
        connection.execute(
            text(
                "INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at) VALUES"
                " ('ses_1', :user, :at, :at, :at), ('ses_2', :user, :at, :at, :at)"
            ),
            {"user": user.id, "at": datetime(2026, 11, 23, tzinfo=UTC)},
        )
        for name, session, used in [
            ("b", "ses_1", 20),
            ("a", "ses_1", 10),
            ("good", "ses_1", None),
            ("too", "ses_1", None),
            ("new", "ses_2", None),
        ]:
            connection.execute(
                text("INSERT INTO refresh_tokens VALUES (:name, :session, :at, :used)"),
                {
                    "name": name,
                    "session": session,
                    "at": datetime(2026, 11, 23, tzinfo=UTC),
                    "used": used and datetime(2026, 11, 23, 0, used, tzinfo=UTC),
                },
            )
        command.upgrade(alembic_config(connection), "head")

    tokens = service.rows("SELECT token_hash, generation FROM refresh_tokens")
    assert {row["token_hash"]: row["generation"] for row in tokens} == {
        "a": 1,
        "b": 2,
        "good": 3,
        "too": 3,
        "new": 1,
    }
    assert [row["generation"] for row in service.rows("SELECT generation FROM sessions ORDER BY id")] == [
        3,
        1,
    ]

    with moved.begin() as connection:
        command.downgrade(alembic_config(connection), "0005")
        used = connection.execute(
            text("SELECT token_hash FROM refresh_tokens WHERE used_at IS NOT NULL")
        ).scalars()
        assert set(used) == {"a", "b"}
        command.upgrade(alembic_config(connection), "head")


def test_users_who_are_there_already_can_be_found(service: Service) -> None:
    """More than are read at once."""
    store(service.parts.database, AT_ONCE + 5)
    before = service.everything()["user_search_keys"]
    moved = service.parts.database.engine.execution_options(writing=True)
    for move, revision in ((command.downgrade, "0015"), (command.upgrade, "head")):
        with moved.begin() as connection:
            move(alembic_config(connection), revision)

    assert len(before) > AT_ONCE
    assert service.everything()["user_search_keys"] == before


OF_A_LOGIN = ("DELETE FROM mfa_challenges", "UPDATE users SET last_login_at = created_at")


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize("statements", [OF_A_LOGIN, OF_A_LOGIN[::-1]], ids=["login", "new password"])
def test_passkeys_come_when_whoever_is_at_an_account_has_done(
    service: Service, statements: tuple[str, str]
) -> None:
    ada = service.add_user("ada@example.com")
    database = service.parts.database
    moved = database.engine.execution_options(writing=True)
    with moved.begin() as connection:
        command.downgrade(alembic_config(connection), "0016")

    with ThreadPoolExecutor(1) as pool:
        with database.writing() as session:
            UserRepository(session).locked(ada.id)
            session.execute(text(statements[0]))
            migrating = pool.submit(database.migrate)
            wait_until_somebody_waits(service)
            session.execute(text(statements[1]))
        migrating.result(timeout=60)

    assert database.is_ready()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_sqlite_keeps_what_it_acknowledged_and_its_references(service: Service) -> None:
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
    values = [next(iter(service.rows(f"PRAGMA {name}")[0].values())) for name in names]

    assert values == ["wal", 2, 1, 10_000, 1]
