"""`make run` as the person at the keyboard meets it."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from launcher.settings import HOST, ROOT
from tests.e2e.client import ONE_QUERY, Client
from tests.e2e.readme import blocks, with_ids_left_open
from tests.e2e.running_system import (
    RunningSystem,
    clean_environment,
    environment_of,
    free_ports,
    running_system,
)

DELETE_USER = "mutation ($id: ID!) { deleteUser(id: $id) { __typename } }"


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_prints_addresses_logins_and_a_query_to_try(system: RunningSystem) -> None:
    assert f"{system.gateway_url}/graphiql" in system.output
    assert "ada@example.com" in system.output
    assert "correct-horse-demo" in system.output
    assert " ".join(ONE_QUERY.split()) in system.output


def test_the_demo_customer_has_payments_in_every_mood(ada: Client) -> None:
    payments = ada.get(ONE_QUERY)["me"]["payments"]["nodes"]

    # Other tests pay as her, too.
    assert {payment["financialStatus"] for payment in payments} >= {"PAID", "PARTIALLY_REFUNDED", "UNPAID"}


def test_a_second_system_runs_beside_the_first_and_ctrl_c_stops_all_of_it(
    system: RunningSystem, tmp_path: Path
) -> None:
    with running_system(tmp_path) as second:
        pids = second.pids()
        first_ada = Client(f"{system.gateway_url}/graphql").logged_in("ada@example.com")
        refused = Client(f"{second.gateway_url}/graphql", first_ada.token).ask("{ me { id } }")
        printed = second.stop()

        assert second.launcher.returncode == 0

    assert set(pids) == {"gateway", "user_subgraph", "payment_subgraph", "payment_worker", "fake_stripe"}
    assert not [name for name, pid in pids.items() if is_running(pid)]
    assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "Everything has stopped." in printed


def test_a_new_system_gives_the_readmes_answer_and_gives_it_again_after_a_restart(tmp_path: Path) -> None:
    ports, first_query = free_ports(), blocks("graphql")[0]
    with running_system(tmp_path, ports) as first:
        before = Client(f"{first.gateway_url}/graphql").logged_in("ada@example.com").ask(first_query)
        first.stop()
    started = time.monotonic()
    with running_system(tmp_path, ports) as second:
        print(f"warm start: {time.monotonic() - started:.1f} s")
        ada = Client(f"{second.gateway_url}/graphql").logged_in("ada@example.com")
        after, logins = ada.ask(first_query), ada.get("{ me { sessions { current } } }")["me"]["sessions"]

    assert with_ids_left_open(before) == json.loads(blocks("json")[0])
    assert after == before
    assert [each["current"] for each in logins] == [True, False], "but for ours, nobody is logged in as ada"


def test_with_bank_transfers_it_starts_no_stripe_and_says_who_confirms_one(tmp_path: Path) -> None:
    with running_system(tmp_path, environment={"PAYMENT_PROCESSOR": "bank_transfer"}) as bank:
        gateway = Client(f"{bank.gateway_url}/graphql")
        pay, confirm = (
            line.strip() for line in bank.output.splitlines() if line.strip().startswith("mutation")
        )
        asked = gateway.logged_in("ada@example.com").get(pay)["createPayment"]["payment"]
        came = gateway.logged_in("support@example.com").get(confirm.replace("pay_…", asked["id"]))
        started = set(bank.pids())

    assert started == {"gateway", "user_subgraph", "payment_subgraph", "payment_worker"}
    assert "PAYMENT_PROCESSOR=bank_transfer" in bank.output
    assert "demo payments" not in bank.output
    assert asked["status"] == "REQUIRES_CAPTURE"
    assert came["capturePayment"] == {"payment": {"status": "SUCCEEDED", "financialStatus": "PAID"}}


def test_a_system_starts_again_after_its_demo_customer_was_deleted(tmp_path: Path) -> None:
    ports = free_ports()
    with running_system(tmp_path, ports) as first:
        gateway = Client(f"{first.gateway_url}/graphql")
        ada_id = gateway.logged_in("ada@example.com").get("{ me { id } }")["me"]["id"]
        deleted = gateway.logged_in("admin@example.com").get(DELETE_USER, id=ada_id)["deleteUser"]
        first.stop()
    with running_system(tmp_path, ports) as second:
        said = [line for line in second.output.splitlines() if "demo payments" in line]

    assert deleted == {"__typename": "DeleteUserSuccess"}
    assert len(said) == 1
    assert "ACCOUNT_DISABLED" in said[0]


@pytest.mark.parametrize(
    ("variable", "title"), [("GATEWAY_PORT", "gateway"), ("FAKE_STRIPE_PORT", "fake Stripe")]
)
def test_a_busy_port_gives_one_clear_sentence(tmp_path: Path, variable: str, title: str) -> None:
    ports = free_ports()
    with socket.create_server((HOST, ports[variable])):
        refused = launch(environment_of(ports, tmp_path))

    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"Port {ports[variable]}, meant for the {title}, is in use: "
        f"stop what listens there, or set {variable} to a free port."
    )


@pytest.mark.parametrize("with_its_ports", [True, False])
def test_a_second_launch_says_that_the_system_already_runs(
    system: RunningSystem, *, with_its_ports: bool
) -> None:
    ports = system.ports if with_its_ports else free_ports()

    refused = launch(environment_of(ports, system.data_dir))

    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"The system of {system.data_dir} already runs or starts, at {system.gateway_url}/graphiql: use it, or stop it "
        "with Ctrl-C where it was started. For a second one beside it, set another DATA_DIR and other ports."
    )
    assert set(system.pids()) >= {"gateway", "user_subgraph", "payment_subgraph"}


def test_a_step_that_fails_gives_one_clear_sentence(tmp_path: Path) -> None:
    unreachable = {"USER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}

    refused = launch(environment_of(free_ports(), tmp_path) | unreachable)

    assert refused.returncode == 1
    assert refused.stderr.strip().startswith("Preparing the user database failed with exit status")
    assert "Traceback" not in refused.stderr


def test_every_service_says_it_is_alive_and_ready(system: RunningSystem) -> None:
    for url in (system.gateway_url, system.users_url, system.payments_url, system.fake_stripe_url):
        assert httpx.get(f"{url}/healthz", trust_env=False, timeout=60).status_code == 200
        assert httpx.get(f"{url}/readyz", trust_env=False, timeout=60).status_code == 200


def launch(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "launcher", "run"],
        cwd=ROOT,
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
