"""`python -m payment_subgraph.worker`: reconciler, bookkeeper and delivery of the outbox, until it is told to stop."""

import asyncio
import logging
import os
import signal
import sys
from typing import Final

import httpx

from payment_subgraph.app import Parts, build_delivery, build_parts, utc_now
from payment_subgraph.crash_points import arm
from payment_subgraph.delivery import Delivery
from payment_subgraph.errors import SettingError
from payment_subgraph.processors import open_processor
from payment_subgraph.reconciler import Job
from payment_subgraph.settings import Settings
from payment_subgraph.telemetry import configure_logging

log = logging.getLogger(__name__)

BOOKS_POLL_S: Final = 5.0
"""Reports add up what is not summed up yet: that must not become much."""


async def work(one_round: Job, poll_every_s: float, stop: asyncio.Event) -> None:
    """Round after round; a round without work is followed by a pause."""
    while not stop.is_set():
        if await one_round():
            continue
        try:
            await asyncio.wait_for(stop.wait(), poll_every_s)
        except TimeoutError:
            continue


async def work_all(parts: Parts, delivery: Delivery | None, pause_s: float, stop: asyncio.Event) -> None:
    """Side by side: a receiver that is slow, or a provider that hangs at one job's question, keeps no other job waiting."""
    async with asyncio.TaskGroup() as loops:
        for job in parts.reconciler.jobs:
            loops.create_task(work(job, pause_s, stop))
        if delivery is not None:
            loops.create_task(work(delivery.round, pause_s, stop))
        loops.create_task(work(parts.bookkeeper.round, BOOKS_POLL_S, stop))


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    processor = open_processor(settings, utc_now)
    parts = build_parts(settings, processor)
    pause_s = settings.poll_every.total_seconds()
    client = httpx.AsyncClient()
    delivery = build_delivery(settings, parts, client)
    log.info("worker runs, looking for work every %s s", pause_s)
    try:
        await work_all(parts, delivery, pause_s, stop)
    finally:
        await client.aclose()
        await processor.close()
        await parts.database.close()
    log.info("worker stopped")


def main() -> int:
    configure_logging()
    try:
        settings = Settings.read(os.environ)
        arm(settings.crash_chance)
        asyncio.run(_run(settings))
    except SettingError as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
