"""The migrations lead to exactly the tables of the models, and can be run again."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from tests.user_subgraph.service import Service
from user_subgraph.database import Database, alembic_config
from user_subgraph.tables import Base


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


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_sqlite_keeps_what_it_acknowledged_and_its_references(service: Service) -> None:
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    values = [next(iter(service.rows(f"PRAGMA {name}")[0].values())) for name in names]

    assert values == ["wal", 2, 1, 10_000]
