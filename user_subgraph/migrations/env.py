"""Runs migrations on the connection it is given, or, under Alembic's own commands, on the configured database."""

import os

from alembic import context
from sqlalchemy import Connection

from user_subgraph.database import Database
from user_subgraph.settings import Settings
from user_subgraph.tables import Base


def run(connection: Connection) -> None:
    # SQLite cannot alter most things in place: later migrations copy the table in a batch.
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    database = Database(Settings.from_environment(os.environ).database_url)
    with database.engine.execution_options(writing=True).begin() as opened:
        run(opened)
    database.close()
