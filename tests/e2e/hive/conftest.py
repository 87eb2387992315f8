"""Hive Gateway in front of the subgraphs of the running system, beside our own gateway."""

import os
from collections.abc import Iterator

import pytest

from launcher.settings import ROOT
from tests.e2e.hive.hive_gateway import (
    HiveGatewayMissingError,
    find_command,
    running_hive_gateway,
    with_urls,
)
from tests.e2e.running_system import RunningSystem

SUPERGRAPH = ROOT / "schema" / "supergraph.graphql"


@pytest.fixture(scope="session")
def hive_can_run() -> None:
    try:
        find_command()
    except HiveGatewayMissingError as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def hive_url(
    hive_can_run: None, system: RunningSystem, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Hive Gateway's GraphQL endpoint. Its supergraph is the committed one; only the addresses are this system's."""
    folder = tmp_path_factory.mktemp("hive")
    urls = {"users": f"{system.users_url}/graphql", "payments": f"{system.payments_url}/graphql"}
    supergraph = folder / "supergraph.graphql"
    supergraph.write_text(with_urls(SUPERGRAPH.read_text(), urls))
    with running_hive_gateway(supergraph, system.users_url, folder / "hive-gateway.log") as url:
        yield url


@pytest.fixture(scope="session")
def our_url(system: RunningSystem) -> str:
    return f"{system.gateway_url}/graphql"
