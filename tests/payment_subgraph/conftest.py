"""Fixtures: the same world on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.contract.overheard import no_secret_is_logged  # noqa: F401 - a fixture for each test
from tests.contract.told_secrets import refuse
from tests.payment_subgraph.bank import Bank
from tests.payment_subgraph.databases import PostgresServer, SqliteFiles, postgres_server
from tests.payment_subgraph.running_fake_stripe import FakeStripe, PatientHttp, running_fake_stripe
from tests.payment_subgraph.world import World


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run by anyio's plugin, which needs no setting in the root's configuration."""
    return "asyncio"


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    source = request.getfixturevalue("sqlite_files" if request.param == "sqlite" else "postgres")
    with source.fresh() as url:
        yield url


@pytest.fixture
def sqlite_url(sqlite_files: SqliteFiles) -> Iterator[str]:
    with sqlite_files.fresh() as url:
        yield url


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """For what touches rows: both databases."""
    made = World.build(database_url)
    yield made
    await made.close()
    refuse(made.secrets_told)


@pytest.fixture
async def small_world(sqlite_url: str) -> AsyncIterator[World]:
    """For what does not depend on the database."""
    made = World.build(sqlite_url)
    yield made
    await made.close()
    refuse(made.secrets_told)


@pytest.fixture(scope="session")
def fake_stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeStripe]:
    with running_fake_stripe(tmp_path_factory.mktemp("fake-stripe")) as fake:
        yield fake


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    """The fake Stripe within this process: `World.build(url, bank.wire)` is served by it."""
    async with Bank(tmp_path) as bank:
        yield bank


@pytest.fixture
async def shop(database_url: str, fake_stripe: FakeStripe) -> AsyncIterator[World]:
    """A world on both databases whose Stripe is the fake as it runs, with an empty account."""
    fake_stripe.tell("reset")
    fake_stripe.mend()
    made = World.build(database_url, PatientHttp(), STRIPE_API_BASE=fake_stripe.base)
    yield made
    await made.close()
    refuse(made.secrets_told)
