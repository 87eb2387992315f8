"""A gateway that trusts the manifest the pages' build wrote: it answers what the pages send, and nothing else."""

import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from launcher.settings import HOST, ROOT
from tests.contract.told_secrets import findings_in, refuse
from tests.e2e.client import PASSWORD
from tests.e2e.running_system import RunningSystem, clean_environment

MANIFEST = ROOT / "frontend" / "dist" / "trusted-documents.json"
PAGES = ROOT / "frontend" / "src"


def operation(name: str) -> str:
    [found] = PAGES.rglob(f"{name}.graphql")
    return found.read_text()


@pytest.fixture(scope="module")
def trusting_url(system: RunningSystem) -> Iterator[str]:
    """A second gateway before the same subgraphs."""
    places = {
        "GATEWAY_TRUSTED_DOCUMENTS": str(MANIFEST),
        "SUBGRAPH_URL_USERS": f"{system.users_url}/graphql",
        "SUBGRAPH_URL_PAYMENTS": f"{system.payments_url}/graphql",
        "JWKS_URL": f"{system.users_url}/.well-known/jwks.json",
        "TOKEN_ISSUER": system.users_url,
        "TOKEN_AUDIENCE": "modular-payment-system",
    }
    python = ROOT / "gateway" / ".venv" / "bin" / "python"
    started = subprocess.Popen(
        [python, "-m", "gateway", "--supergraph", "schema/supergraph.graphql", "--port", "0"],
        cwd=ROOT,
        env=clean_environment() | places,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stderr
    with started:
        found = re.search(rf"http://{re.escape(HOST)}:\d+/graphql", started.stderr.readline())
        assert found
        yield found[0]
        started.kill()
        refuse(findings_in("gateway", started.stderr.read()))


def ask(url: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer: dict[str, Any] = httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False).json()
    return answer


def log_in(url: str) -> str:
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    answer = ask(url, {"query": operation("log-in"), "variables": {"input": credentials}})
    token: str = answer["data"]["login"]["tokens"]["accessToken"]
    return token


def test_the_build_lists_every_operation_of_the_pages_under_its_hash() -> None:
    texts = [file.read_text() for file in PAGES.rglob("*.graphql")]

    assert json.loads(MANIFEST.read_text()) == {sha256(text.encode()).hexdigest(): text for text in texts}
    assert {file.parent.parent.name for file in PAGES.rglob("*.graphql")} == {
        "account",
        "graphiql",
        "login",
        "passkeys",
    }


def test_what_the_pages_send_is_answered_as_text_and_by_its_hash(trusting_url: str) -> None:
    token = log_in(trusting_url)
    text = operation("me-and-my-payments")

    as_text = ask(trusting_url, {"query": text, "operationName": "MeAndMyPayments"}, token)
    by_hash = ask(trusting_url, {"documentId": f"sha256:{sha256(text.encode()).hexdigest()}"}, token)

    assert as_text["data"]["me"]["email"] == "ada@example.com"
    assert by_hash == as_text


def test_one_can_pay(trusting_url: str) -> None:
    payment = {
        "idempotencyKey": uuid.uuid4().hex,
        "amount": {"amount": "42.50", "currency": "EUR"},
        "paymentMethodId": "pm_card_visa",
        "confirm": True,
    }

    answer = ask(
        trusting_url, {"query": operation("pay"), "variables": {"input": payment}}, log_in(trusting_url)
    )

    assert answer["data"]["createPayment"]["payment"]["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    "query",
    ["{ me { email } }", get_introspection_query(), operation("me-and-my-payments").replace("email", "id")],
    ids=["one's own", "introspection", "a changed tab"],
)
def test_what_somebody_writes_in_graphiql_is_refused(trusting_url: str, query: str) -> None:
    answer = ask(trusting_url, {"query": query}, log_in(trusting_url))

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["DOCUMENT_NOT_TRUSTED"]
    assert "data" not in answer
