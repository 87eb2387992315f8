"""One system for all end-to-end tests, with a recording proxy before each subgraph."""

from collections.abc import Iterator

import pytest

from tests.e2e.client import Client
from tests.e2e.recording_proxy import RecordingProxy
from tests.e2e.rights_callers import Caller, all_callers
from tests.e2e.rights_estate import Estate, new_estate
from tests.e2e.running_system import RunningSystem, free_ports, running_system


@pytest.fixture(scope="session")
def ports() -> dict[str, int]:
    return free_ports()


@pytest.fixture(scope="session")
def users_proxy(ports: dict[str, int]) -> Iterator[RecordingProxy]:
    with RecordingProxy(f"http://127.0.0.1:{ports['USER_SUBGRAPH_PORT']}").listening() as proxy:
        yield proxy


@pytest.fixture(scope="session")
def payments_proxy(ports: dict[str, int]) -> Iterator[RecordingProxy]:
    with RecordingProxy(f"http://127.0.0.1:{ports['PAYMENT_SUBGRAPH_PORT']}").listening() as proxy:
        yield proxy


@pytest.fixture(scope="session")
def system(
    ports: dict[str, int],
    users_proxy: RecordingProxy,
    payments_proxy: RecordingProxy,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningSystem]:
    between = {
        "SUBGRAPH_URL_USERS": f"{users_proxy.url}/graphql",
        "SUBGRAPH_URL_PAYMENTS": f"{payments_proxy.url}/graphql",
        # The proxy gives answers on when they are whole, which those to subscriptions never are.
        "SUBGRAPH_SUBSCRIPTIONS_PAYMENTS": f"http://127.0.0.1:{ports['PAYMENT_SUBGRAPH_PORT']}/graphql",
    }
    with running_system(tmp_path_factory.mktemp("system"), ports, between) as running:
        yield running


@pytest.fixture
def anonymous(system: RunningSystem) -> Client:
    return Client(f"{system.gateway_url}/graphql")


@pytest.fixture
def ada(anonymous: Client) -> Client:
    return anonymous.logged_in("ada@example.com")


@pytest.fixture
def grace(anonymous: Client) -> Client:
    return anonymous.logged_in("grace@example.com")


@pytest.fixture
def finance(anonymous: Client) -> Client:
    return anonymous.logged_in("finance@example.com")


# For the tests of rights: so many wrong passwords and codes lock a system's accounts.


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    with running_system(tmp_path_factory.mktemp("rights")) as running:
        yield running


@pytest.fixture(scope="module")
def estate(own_system: RunningSystem) -> Estate:
    return new_estate(own_system)


@pytest.fixture(scope="module")
def callers(own_system: RunningSystem, estate: Estate) -> list[Caller]:
    return all_callers(own_system, estate)
