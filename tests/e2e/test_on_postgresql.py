"""The whole system moves to PostgreSQL by two settings."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.e2e.client import ONE_QUERY, Client, eventually, new_customer
from tests.e2e.dashboard import Dashboard
from tests.e2e.postgresql import new_databases, server_url
from tests.e2e.running_system import RunningSystem, running_system
from tests.e2e.test_external_payments import made_from
from tests.e2e.test_payment_updated import by_events, until


@pytest.fixture(scope="module")
def databases() -> Iterator[list[str]]:
    with server_url() as server, new_databases(server, 2) as urls:
        yield urls


@pytest.fixture(scope="module")
def system_on_postgresql(
    databases: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningSystem]:
    users, payments = databases
    settings = {"USER_DATABASE_URL": users, "PAYMENT_DATABASE_URL": payments}
    with running_system(tmp_path_factory.mktemp("on-postgresql"), environment=settings) as system:
        yield system


def test_pay_refund_and_read_with_one_query(system_on_postgresql: RunningSystem) -> None:
    gateway = Client(f"{system_on_postgresql.gateway_url}/graphql")
    email, customer = new_customer(gateway.url)
    payment_id = customer.pay()["payment"]["id"]
    gateway.logged_in("finance@example.com").refund(payment_id, amount={"amount": "5.00", "currency": "EUR"})

    me = customer.get(ONE_QUERY)["me"]

    assert me["email"] == email
    assert [(node["id"], node["financialStatus"]) for node in me["payments"]["nodes"]] == [
        (payment_id, "PARTIALLY_REFUNDED")
    ]


def test_a_payment_is_watched_and_one_of_the_dashboard_appears(
    system_on_postgresql: RunningSystem,
) -> None:
    finance = Client(f"{system_on_postgresql.gateway_url}/graphql").logged_in("finance@example.com")
    intent = Dashboard(system_on_postgresql).pay(2500)["id"]
    [payment] = eventually(lambda: made_from(intent, finance), bool)

    with by_events(finance, payment["id"]) as payments:
        first = next(payments)
        finance.refund(payment["id"])
        refunded = until(payments, financialStatus="REFUNDED", pendingOperations=[])

    assert (first["financialStatus"], first["user"]) == ("PAID", None)
    assert refunded["id"] == payment["id"]


def test_the_rows_are_there_and_no_sqlite_file_is(
    system_on_postgresql: RunningSystem, databases: list[str]
) -> None:
    with psycopg.connect(databases[1]) as payments:
        (count,) = payments.execute("SELECT count(*) FROM payments").fetchone() or (0,)

    assert count >= 3  # the demo customer's
    assert not list(system_on_postgresql.data_dir.glob("users*.sqlite3"))
    assert not list(system_on_postgresql.data_dir.glob("payments*.sqlite3"))
