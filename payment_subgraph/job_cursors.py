"""Whose turn a job is that only one worker at a time has to do, and how far it has come."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from payment_subgraph.database import Database
from payment_subgraph.tables import job_cursors


class JobCursors:
    """One row a job. Whoever takes a turn and dies leaves it to others when the next turn is due."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take_turn(self, job: str, now: datetime, every: timedelta) -> datetime | None:
        """Where *job* goes on from, if its turn has come and nobody else took it."""
        async with self._database.reading() as connection:
            row = (
                (await connection.execute(select(job_cursors).where(job_cursors.c.job == job)))
                .mappings()
                .first()
            )
        if row is not None and row["due_at"] > now:
            return None
        async with self._database.writing() as connection:
            if row is None:
                table = postgresql if connection.dialect.name == "postgresql" else sqlite
                first = table.insert(job_cursors).values(job=job, position_at=now, due_at=now + every)
                made = await connection.execute(first.on_conflict_do_nothing().returning(job_cursors.c.job))
                return now if made.first() else None
            same = (job_cursors.c.job == job) & (job_cursors.c.due_at == row["due_at"])
            taken = update(job_cursors).where(same).values(due_at=now + every)
            won = (await connection.execute(taken.returning(job_cursors.c.job))).first()
        return row["position_at"] if won else None

    async def advance(self, job: str, position: datetime) -> None:
        async with self._database.writing() as connection:
            await connection.execute(
                update(job_cursors).where(job_cursors.c.job == job).values(position_at=position)
            )

    async def move(self, job: str, position: datetime, onwards: datetime, due_at: datetime) -> None:
        """From *position*; nothing happens if another has moved it meanwhile."""
        mine = (job_cursors.c.job == job) & (job_cursors.c.position_at == position)
        async with self._database.writing() as connection:
            await connection.execute(
                update(job_cursors).where(mine).values(position_at=onwards, due_at=due_at)
            )
