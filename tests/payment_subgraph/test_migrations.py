"""The migrations make exactly the tables that the code believes in, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import make_url

from payment_subgraph.database import migrate
from payment_subgraph.tables import metadata


def test_migrations_equal_the_models(database_url: str) -> None:
    url = make_url(database_url)
    driver = "sqlite" if url.get_backend_name() == "sqlite" else "postgresql+psycopg"
    engine = create_engine(url.set(drivername=driver))
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        indexes = {index["name"] for index in inspect(connection).get_indexes("payments")}
    engine.dispose()

    assert differences == []
    assert "one_live" in indexes


def test_migrating_again_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)
