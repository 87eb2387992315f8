"""One line of JSON for each request: what was asked for and what came of it, never what it was asked with.

Lines are gathered and written together, since a write for each costs more than the line itself. What is gathered is
written after `WRITE_WITHIN_S` at the latest, and on every exit but a kill.
"""

import asyncio
import atexit
import logging
from collections.abc import Mapping
from typing import Any, BinaryIO

import orjson

log = logging.getLogger("gateway")

WRITE_WITHIN_S = 0.2
GATHERED_LINES = 500

OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


class AccessLog:
    def __init__(self, out: BinaryIO) -> None:
        self._out: BinaryIO | None = out
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        atexit.register(self.flush)

    def write(self, line: Mapping[str, Any]) -> None:
        self._lines.append(orjson.dumps(line, option=OPTIONS))
        if len(self._lines) >= GATHERED_LINES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_WITHIN_S, self.flush)

    def flush(self) -> None:
        """Write what is gathered."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        lines, self._lines = self._lines, []
        if lines and self._out:
            self._write(self._out, b"".join(lines))

    def close(self) -> None:
        self.flush()
        atexit.unregister(self.flush)

    def _write(self, out: BinaryIO, content: bytes) -> None:
        try:
            out.write(content)
            out.flush()
        except OSError as error:
            # Whoever read the log has gone: that is worth a word, but no reason to answer nobody any more.
            self._out = None
            log.error("the access log ends here: %s", error)  # noqa: TRY400 — a sentence says it
