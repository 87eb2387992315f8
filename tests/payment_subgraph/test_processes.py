"""The real commands as processes: migrate, serve, worker; ready, working, and stopped cleanly."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.contract.told_secrets import findings_in, refuse
from tests.held_ports import held_port

ROOT = Path(__file__).parents[2]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


@contextmanager
def running(arguments: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(arguments, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        said = process.communicate()[1]
    refuse(findings_in(arguments[2], said))


def until_answered(url: str, status: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(url).status_code == status:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} never answered {status}")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_served_from_an_empty_folder_to_a_clean_stop(tmp_path: Path, stop: signal.Signals) -> None:
    port = held_port()
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path / "data"),
        "PAYMENT_SUBGRAPH_PORT": str(port),
        "STRIPE_SECRET_KEY": "sk_test_abc",
        "STRIPE_API_BASE": f"http://127.0.0.1:{held_port()}",
        "USER_SUBGRAPH_PORT": str(held_port()),  # nobody is there, and nobody needs to be
    }
    with running(command("payment_subgraph", "serve"), environment) as server:
        until_answered(f"http://127.0.0.1:{port}/readyz", 503)
        subprocess.run(command("payment_subgraph", "migrate"), env=environment, cwd=ROOT, check=True)
        until_answered(f"http://127.0.0.1:{port}/readyz", 200)
        with running(command("payment_subgraph.worker"), environment) as worker:
            answer = httpx.post(
                f"http://127.0.0.1:{port}/graphql", json={"query": "{ __typename }"}, timeout=60
            )
            assert worker.stderr is not None
            while "worker runs" not in worker.stderr.readline():
                assert worker.poll() is None
            worker.send_signal(stop)
            said = worker.communicate(timeout=60)[1]
        server.send_signal(stop)
        server.wait(timeout=60)

    assert answer.json() == {"data": {"__typename": "Query"}}
    assert worker.returncode == 0
    assert "worker stopped" in said
    assert server.returncode in (0, -stop)


def run_with(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path),
        "STRIPE_SECRET_KEY": "sk_test_abc",
        "STRIPE_API_BASE": f"http://127.0.0.1:{held_port()}",
    }
    return subprocess.run(
        command("payment_subgraph", *arguments),
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_books_of_an_empty_database_are_in_order(tmp_path: Path) -> None:
    run_with(tmp_path, "migrate")

    verified, totals, posted, compared = (
        run_with(tmp_path, *arguments)
        for arguments in (
            ("rebuild", "--verify"),
            ("rebuild",),
            ("post-missing",),
            ("check-books", "--day", "2026-11-27"),
        )
    )

    assert (verified.returncode, verified.stdout) == (0, "0 payments verified, 0 differences\n")
    assert (totals.returncode, totals.stdout.split(". ")[0]) == (0, "0 sums of days corrected")
    assert (posted.returncode, posted.stdout) == (0, "0 missing postings written\n")
    assert (compared.returncode, compared.stdout) == (2, "")
    assert compared.stderr.splitlines()[-1].startswith("The provider could not be asked: ")


def test_the_schema_is_printed_without_any_setting() -> None:
    printed = subprocess.run(
        command("payment_subgraph", "print-schema"),
        env={"PATH": os.environ["PATH"]},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "type Payment @key" in printed.stdout
    assert printed.stderr == ""


def test_payments_can_be_marked_to_be_read_again(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)}
    for wish in ("migrate", "reread"):
        done = subprocess.run(
            command("payment_subgraph", wish),
            env=environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )

    assert done.stdout == "0 payments will be read again\n"


def test_a_database_that_cannot_be_reached_stops_the_migration_with_one_sentence() -> None:
    url = f"postgresql://payments:hidden@127.0.0.1:{held_port()}/payments"

    refused = subprocess.run(
        command("payment_subgraph", "migrate"),
        env={"PATH": os.environ["PATH"], "PAYMENT_DATABASE_URL": url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode == 2
    assert refused.stderr.startswith("PAYMENT_DATABASE_URL: ")
    assert len(refused.stderr.splitlines()) == 1
    assert "hidden" not in refused.stderr
