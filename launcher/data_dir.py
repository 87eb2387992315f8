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
def data_dir_held(folder: Path) -> Iterator[None]:
    """Keep *folder* to ourselves during the block; raises DataDirInUse. The kernel lets go of it however we end."""
    make_data_dir(folder)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise DataDirInUse(folder) from held
        yield
