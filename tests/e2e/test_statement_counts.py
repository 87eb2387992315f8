"""What one operation through the gateway asks of each service's database: the same for two users and for a hundred."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from launcher.settings import ROOT, Settings
from tests.e2e.client import Client
from tests.e2e.postgresql import new_databases, server_url
from tests.e2e.running_system import (
    RunningSystem,
    clean_environment,
    environment_of,
    free_ports,
    running_system,
)

USERS_WITH_ALL = """query ($first: Int!) { users(first: $first) { nodes { id email
  payments(first: 5) { nodes { id amount { amount } refunds(first: 5) { nodes { id amount { amount } } } } }
  paymentMethods { id brand last4 } } } }"""


@dataclass(frozen=True)
class NotedSystem:
    """A running system whose services note each of their SQL statements in *notes*."""

    system: RunningSystem
    environment: dict[str, str]
    notes: Path

    def statements(self, service: str) -> list[str]:
        """What *service* has asked for requests, BEGIN left out; by itself it also looks, once a second, for mails."""
        lines = (self.notes / f"{self.system.pids()[service]}.jsonl").read_text().splitlines()
        asked = [note["statement"] for note in map(json.loads, lines) if note["thread"] != "upkeep"]
        return [statement for statement in asked if not statement.startswith("BEGIN")]

    def run(self, service: str, module: str, *arguments: str) -> str:
        """What the program *module* of these tests prints, run as *service* with its settings."""
        command = [str(ROOT / service / ".venv/bin/python"), "-m", module, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, check=True)
        return done.stdout.decode()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database_settings(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield {}
        return
    with server_url() as server, new_databases(server, 2) as (users, payments):
        yield {"USER_DATABASE_URL": users, "PAYMENT_DATABASE_URL": payments}


@pytest.fixture(scope="module")
def noted(
    database_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NotedSystem]:
    data_dir, notes = tmp_path_factory.mktemp("noted"), tmp_path_factory.mktemp("notes")
    settings = database_settings | {
        "PYTHONPATH": str(Path(__file__).with_name("statement_notes")),
        "STATEMENT_NOTES": str(notes),
    }
    with running_system(data_dir, ports := free_ports(), settings) as system:
        all_settings = clean_environment() | environment_of(ports, data_dir) | settings
        environment = Settings.from_environment(all_settings).process_environment()
        yield NotedSystem(system, environment, notes)


@pytest.fixture(scope="module")
def stored_users(noted: NotedSystem) -> list[str]:
    """The ids of a hundred users, the newest first; each has payments, refunds and a card that is kept."""
    ids: list[str] = json.loads(noted.run("user_subgraph", "tests.e2e.stored_users", "100"))
    noted.run("payment_subgraph", "tests.e2e.stored_payments", *ids)
    return ids[::-1]


@pytest.fixture(scope="module")
def staff(noted: NotedSystem) -> Client:
    return Client(f"{noted.system.gateway_url}/graphql").logged_in("admin@example.com")


def statements_for(
    noted: NotedSystem, staff: Client, first: int
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The users that were answered, and how many statements that took in each service."""
    before = {service: len(noted.statements(service)) for service in ("user_subgraph", "payment_subgraph")}
    users: list[dict[str, Any]] = staff.get(USERS_WITH_ALL, first=first)["users"]["nodes"]
    return users, {service: len(noted.statements(service)) - count for service, count in before.items()}


def test_a_hundred_users_with_payments_cost_no_more_statements_than_two(
    noted: NotedSystem, staff: Client, stored_users: list[str]
) -> None:
    two, for_two = statements_for(noted, staff, 2)
    hundred, for_hundred = statements_for(noted, staff, 100)

    assert [user["id"] for user in two] == stored_users[:2]
    assert [user["id"] for user in hundred] == stored_users
    payments = [payment for user in hundred for payment in user["payments"]["nodes"]]
    assert len(payments) == 300
    assert all(len(payment["refunds"]["nodes"]) == 2 for payment in payments)
    assert all(len(user["paymentMethods"]) == 1 for user in hundred)
    # users; and payments, refunds, payment methods
    assert for_two == for_hundred == {"user_subgraph": 1, "payment_subgraph": 3}
