"""Notes each SQL statement of the process it is loaded into: one JSON line each, in $STATEMENT_NOTES/PID.jsonl.

With this folder in PYTHONPATH, Python imports it before anything else; so a service that is started as always, with its own
settings and its own code, is seen to ask its database. Programs without SQLAlchemy are left as they are.
"""

import importlib.util
import json
import os
import threading
from pathlib import Path
from typing import Any

_NOTES = os.environ.get("STATEMENT_NOTES")


def _note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    line = json.dumps({"thread": threading.current_thread().name, "statement": statement})
    with Path(str(_NOTES), f"{os.getpid()}.jsonl").open("a") as notes:
        notes.write(f"{line}\n")


if _NOTES and importlib.util.find_spec("sqlalchemy"):
    from sqlalchemy import Engine, event

    event.listen(Engine, "before_cursor_execute", _note)
