"""`python -m payment_subgraph replay-outbox | skip-outbox | prune-outbox`: what an operator does to many messages."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from payment_subgraph.database import Database
from payment_subgraph.outbox import Outbox
from payment_subgraph.outbox_message import DeliveryPatience
from payment_subgraph.settings import DatabaseSettings

_WORK: Final[dict[str, tuple[str, Callable[[Outbox, datetime], Awaitable[int]]]]] = {
    "replay-outbox": ("%d messages are to be sent again.", Outbox.replay_since),
    "skip-outbox": ("%d messages will not be sent.", Outbox.skip_before),
    "prune-outbox": ("%d messages are deleted.", Outbox.prune),
}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    replay = commands.add_parser("replay-outbox", help="send again what was written since a time")
    replay.add_argument("--since", dest="moment", type=moment, required=True)
    skip = commands.add_parser("skip-outbox", help="do not send what waits since before a time")
    skip.add_argument("--before", dest="moment", type=moment, required=True)
    prune = commands.add_parser("prune-outbox", help="delete what was sent, and written before a time")
    prune.add_argument("--before", dest="moment", type=moment, required=True)


def moment(text: str) -> datetime:
    """A time like `2026-11-28T12:00:00Z`; without a zone it is one of UTC."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def run(command: str, settings: DatabaseSettings, since: datetime) -> int:
    told, work = _WORK[command]
    count = asyncio.run(_run(settings, work, since))
    sys.stdout.write(told % count + "\n")
    return 0


async def _run(
    settings: DatabaseSettings, work: Callable[[Outbox, datetime], Awaitable[int]], since: datetime
) -> int:
    database = Database(settings.url)
    try:
        return await work(Outbox(database, DeliveryPatience(), lambda: datetime.now(UTC)), since)
    finally:
        await database.close()
