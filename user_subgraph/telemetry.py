"""Logs: one JSON object per line on stderr. Never a token, a password or a variable."""

import json
import logging
import sys
from datetime import UTC, datetime

# Whatever is given to `extra=` under these names stands in the line.
_FACTS = ("request_id", "method", "path", "status", "duration_ms", "mail", "kind", "attempts", "reason")


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


def log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Alembic announces every context it makes, readiness checks included.
    logging.getLogger("alembic").setLevel(logging.WARNING)
