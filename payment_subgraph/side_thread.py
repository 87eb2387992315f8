"""Work that would keep the event loop from everybody else, done beside it: one thing at a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

Given = ParamSpec("Given")
Made = TypeVar("Made")

_THREAD: Final = ThreadPoolExecutor(1, thread_name_prefix="documents")


async def beside_the_loop(work: Callable[Given, Made], *given: Given.args, **named: Given.kwargs) -> Made:
    """What *work* returns or raises. A flood of such work takes turns with the loop instead of stopping it."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, lambda: work(*given, **named))
