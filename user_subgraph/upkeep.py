"""What the service does by itself from time to time, in a thread beside the requests."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)

Task = Callable[[], object]


@contextmanager
def upkeep(task: Task, every_s: float) -> Iterator[None]:
    """Inside the block *task* is done at once and then again and again; at its end, what is under way is finished."""
    ended = threading.Event()
    thread = threading.Thread(target=_again_and_again, args=(task, every_s, ended), name="upkeep")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _again_and_again(task: Task, every_s: float, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            task()
        except Exception:  # the database may be away for a while; whatever else it is, the task stays due
            logger.exception("upkeep failed")
        ended.wait(every_s)
