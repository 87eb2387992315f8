"""The folder of one system: made for its owner alone, and for one system at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher.errors import DataDirInUse, InvalidSetting


def make_data_dir(folder: Path) -> None:
    """Databases, keys and logs are for this account of the machine alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSetting("DATA_DIR", str(folder), f"a folder ({error.strerror})") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidSetting("DATA_DIR", str(folder), "a folder you may write to")


@contextmanager
def data_dir_held(folder: Path, gateway_url: str) -> Iterator[None]:
    """Keep *folder* to ourselves during the block; the kernel lets go of it however we end.

    Raises DataDirInUse, which tells the *gateway_url* of who has it.
    """
    make_data_dir(folder)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            lock.seek(0)
            raise DataDirInUse(folder, lock.read().strip()) from held
        lock.truncate(0)
        lock.write(f"{gateway_url}\n")
        lock.flush()
        yield
