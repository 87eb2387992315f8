"""Logs: one line per event on stderr."""

import logging
import sys
from typing import Final

_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"
# These say at INFO what was asked, with addresses and parameters that are nobody's business here.
_QUIET: Final = ("httpx", "httpcore", "stripe", "alembic", "sqlalchemy", "aiosqlite", "uvicorn.access")


def configure_logging() -> None:
    logging.basicConfig(level=logging.INFO, format=_FORMAT, stream=sys.stderr, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
