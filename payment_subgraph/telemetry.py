"""Logs: one JSON object per line on stderr. Never a token, a card or a variable."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final

# Whatever is given to `extra=` under these names stands in the line.
_FACTS: Final = ("request_id", "method", "path", "status", "duration_ms")
# These say at INFO what was asked, with addresses and parameters that are nobody's business here.
_QUIET: Final = ("httpx", "httpcore", "stripe", "alembic", "sqlalchemy", "aiosqlite", "uvicorn.access")


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in _FACTS if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure_logging() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
