"""`serve` as a process of its own: it answers, keeps going under many writers, and stops when told."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.contract.told_secrets import findings_in, refuse
from tests.held_ports import held_port
from tests.user_subgraph.service import LOGIN, PASSWORD, REFRESH
from user_subgraph.__main__ import main

ROOT = Path(__file__).parents[2]
REGISTER = "mutation ($input: RegisterUserInput!) { registerUser(input: $input) { __typename } }"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    mask = os.umask(0o022)
    environment = {
        "DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "USER_SUBGRAPH_PORT": str(held_port()),
        "ARGON2_TIME_COST": "1",
        "ARGON2_MEMORY_KIB": "8",
        "ARGON2_PARALLELISM": "1",
        "PASSWORD_HASH_WAIT_S": "60",
        "MAX_BODY_BYTES": "50000",
        "REQUEST_TIMEOUT_S": "600",
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    assert [main([command], environment) for command in ("create-keys", "migrate")] == [0, 0]
    os.umask(mask)
    return environment


@contextmanager
def served(environment: dict[str, str]) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "user_subgraph", "serve"]
    given = {"PATH": os.environ["PATH"], **environment}
    with subprocess.Popen(command, cwd=ROOT, env=given, stderr=subprocess.PIPE, text=True) as process:
        base_url = f"http://127.0.0.1:{environment['USER_SUBGRAPH_PORT']}"
        with httpx.Client(base_url=base_url, trust_env=False, timeout=60) as client:
            try:
                wait_until_ready(client, process)
                yield client, process
            finally:
                process.send_signal(signal.SIGTERM)
                said = process.communicate(timeout=60)[1]
    refuse(findings_in("user_subgraph serve", said))


def wait_until_ready(client: httpx.Client, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("not ready in time")


@pytest.fixture(scope="module")
def client(environment: dict[str, str]) -> Iterator[httpx.Client]:
    with served(environment) as (client, _):
        yield client


def ask(client: httpx.Client, query: str, **variables: object) -> dict[str, dict[str, object]]:
    body: dict[str, dict[str, object]] = client.post(
        "/graphql", json={"query": query, "variables": variables}
    ).json()
    return body


def test_the_audit_log_names_the_client_before_a_trusted_proxy(
    client: httpx.Client, environment: dict[str, str]
) -> None:
    body = {"query": LOGIN, "variables": {"input": {"email": "x@example.com", "password": PASSWORD}}}
    client.post("/graphql", json=body, headers={"X-Forwarded-For": "10.0.0.1, 192.0.2.7"})

    with closing(sqlite3.connect(Path(environment["DATA_DIR"]) / "users.sqlite3")) as database:
        recorded = database.execute(
            "SELECT ip_address FROM audit_origins JOIN audit_events ON id = event_id WHERE action = 'login.failed'"
        )
        assert recorded.fetchall() == [("192.0.2.7",)]


def test_a_service_that_starts_forgets_where_old_acts_came_from(environment: dict[str, str]) -> None:
    environment = {**environment, "USER_SUBGRAPH_PORT": str(held_port())}
    with closing(sqlite3.connect(Path(environment["DATA_DIR"]) / "users.sqlite3")) as database:
        id_of_2001 = "aud_00wxa3ng00aaaaaaaaaaaaaaaa"
        database.execute("INSERT INTO audit_origins VALUES (?, NULL, '192.0.2.8', NULL)", (id_of_2001,))
        database.commit()
        deadline = time.monotonic() + 60
        with served(environment):
            while database.execute("SELECT 1 FROM audit_origins WHERE ip_address = '192.0.2.8'").fetchone():
                assert time.monotonic() < deadline
                time.sleep(0.05)


def test_many_writers_at_once_all_succeed(client: httpx.Client) -> None:
    def register_and_log_in(number: int) -> tuple[object, object]:
        given = {"email": f"user{number}@example.com", "password": PASSWORD}
        return ask(client, REGISTER, input=given), ask(client, LOGIN, input=given)["data"]["login"]

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(register_and_log_in, range(64)))

    registered = {"data": {"registerUser": {"__typename": "RegisterUserSuccess"}}}
    assert [result[0] for result in results] == [registered] * 64
    assert {result[1]["__typename"] for result in results} == {"LoginSuccess"}  # type: ignore[index]


def test_five_tabs_refreshing_at_once_all_stay_logged_in(client: httpx.Client) -> None:
    """Over HTTP the first is answered before the last one's turn comes, however early that one was sent."""
    given = {"email": "ada@example.com", "password": PASSWORD}
    ask(client, REGISTER, input=given)
    token = ask(client, LOGIN, input=given)["data"]["login"]["tokens"]["refreshToken"]  # type: ignore[index]

    with ThreadPoolExecutor(5) as pool:
        answers = list(
            pool.map(lambda _: ask(client, REFRESH, refresh=token)["data"]["refreshToken"], range(5))
        )

    assert [answer["__typename"] for answer in answers] == ["LoginSuccess"] * 5  # type: ignore[index]
    tokens = [answer["tokens"]["refreshToken"] for answer in answers]  # type: ignore[index]
    assert all("tokens" in ask(client, REFRESH, refresh=token)["data"]["refreshToken"] for token in tokens)


def test_chunked_bodies_are_read_and_bounded(client: httpx.Client) -> None:
    def chunks(size: int) -> Iterator[bytes]:
        yield b'{"query": "{ __typename }", "variables": {"x": "'
        yield b"y" * size
        yield b'"}}'

    headers = {"Content-Type": "application/json"}
    small, large = (client.post("/graphql", content=chunks(size), headers=headers) for size in (10, 60_000))

    assert small.json() == {"data": {"__typename": "Query"}}
    assert large.status_code == 413


def test_half_sent_bodies_do_not_keep_others_waiting(client: httpx.Client) -> None:
    """Who had to wait for one would do so until it is given up, and that is longer than a client waits here."""
    head = (
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    half_sent = [
        socket.create_connection((client.base_url.host, client.base_url.port or 0)) for _ in range(50)
    ]
    try:
        for connection in half_sent:
            connection.sendall(head)
        answered = [client.get("/healthz").status_code for _ in range(5)]
    finally:
        for connection in half_sent:
            connection.close()

    assert answered == [200] * 5


def refused_start(environment: dict[str, str]) -> str:
    """What it says; a process of its own, since `serve` sets logs and signals for the whole of its process."""
    command = [sys.executable, "-m", "user_subgraph", "serve"]
    given = {"PATH": os.environ["PATH"], **environment}
    ended = subprocess.run(
        command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    return ended.stderr


def test_a_busy_port_is_one_sentence(client: httpx.Client, environment: dict[str, str]) -> None:
    port = environment["USER_SUBGRAPH_PORT"]

    said = refused_start(environment)

    assert said == f"USER_SUBGRAPH_PORT: cannot listen on 127.0.0.1:{port} (Address already in use).\n"


def test_no_signing_key_is_one_sentence(tmp_path: Path) -> None:
    said = refused_start({"DATA_DIR": str(tmp_path)})

    assert said.count("\n") == 1
    assert "create-keys" in said


@pytest.fixture
def in_the_background() -> Iterator[None]:
    """As a shell without job control starts what it does not wait for: deaf to Ctrl-C, unless it listens for itself."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("in_the_background")
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told(environment: dict[str, str], told: signal.Signals) -> None:
    with served(environment | {"USER_SUBGRAPH_PORT": str(held_port())}) as (_, process):
        process.send_signal(told)

        assert process.wait(timeout=60) == 0


def test_tokens_and_passwords_stay_out_of_the_log(environment: dict[str, str]) -> None:
    with served(environment | {"USER_SUBGRAPH_PORT": str(held_port())}) as (client, process):
        given = {"email": "grace@example.com", "password": PASSWORD}
        ask(client, REGISTER, input=given)
        tokens = ask(client, LOGIN, input=given)["data"]["login"]["tokens"]
        client.get("/graphql?query={me{id}}", headers={"Authorization": f"Bearer {tokens['accessToken']}"})  # type: ignore[index]
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)

    assert log.count('"path": "/graphql"') == 3
    secrets = [PASSWORD, "grace@", "{me{id}}", tokens["accessToken"], tokens["refreshToken"]]  # type: ignore[index]
    assert not [secret for secret in secrets if secret in log]
