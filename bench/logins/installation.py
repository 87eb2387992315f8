"""The user service as it is, on a database of its own, with accounts in it."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.logins.accounts import add_accounts, add_app
from bench.user_database import user_database
from user_subgraph.app import assembled
from user_subgraph.clock import utc_now
from user_subgraph.settings import Settings
from user_subgraph.signing_keys import create_key


@dataclass(frozen=True)
class Installation:
    """*database*: its kind. *known*: the addresses of all accounts."""

    database: str
    environment: Mapping[str, str]
    known: Sequence[str]

    def settings(self, bounds: Mapping[str, str]) -> Settings:
        """The defaults, but for the *bounds*."""
        return Settings.from_environment({**self.environment, **bounds})


@contextmanager
def installation(database: str, known: Sequence[str], changes: Mapping[str, str]) -> Iterator[Installation]:
    """*changes*: of its settings. Gone with the block. Nothing runs beside it: mails are asked for, and wait."""
    with user_database(database) as url, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environment = {**changes, "USER_DATABASE_URL": url, "DATA_DIR": folder}
        create_key(Path(folder) / "keys", utc_now())
        installed = Installation(database, environment, known)
        with closing(assembled(installed.settings({}))) as parts:
            add_app(parts)
            add_accounts(parts, known)
        yield installed
