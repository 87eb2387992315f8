"""From a client's report to its cause: one id in every service's log."""

import json

import httpx
import pytest

from tests.e2e.client import LOGIN, ONE_QUERY, Client, eventually, new_customer
from tests.e2e.running_system import RunningSystem


@pytest.mark.parametrize("service", ["user_subgraph", "payment_subgraph"])
def test_the_answers_id_finds_the_request_in_the_subgraphs_logs(
    system: RunningSystem, ada: Client, service: str
) -> None:
    answer = httpx.post(
        ada.url,
        json={"query": ONE_QUERY},
        headers={"authorization": f"Bearer {ada.token}"},
        trust_env=False,
        timeout=60,
    )

    request_id = answer.headers["x-request-id"]
    log = system.data_dir / "logs" / f"{service}.log"
    lines = eventually(lambda: [line for line in log.read_text().splitlines() if request_id in line], bool)
    told = [json.loads(line) for line in lines]
    assert {(line["method"], line["path"], line["status"]) for line in told} == {("POST", "/graphql", 200)}
    assert {line["request_id"] for line in told} == {request_id}


def test_the_answers_id_stands_in_the_audit_log_beside_what_both_services_know(anonymous: Client) -> None:
    email, customer = new_customer(anonymous.url)
    guess = {"query": LOGIN, "variables": {"input": {"email": email, "password": "a wrong password"}}}
    answer = httpx.post(anonymous.url, json=guess, trust_env=False, timeout=60)
    failures = """query ($of: ID!) { auditEvents(userId: $of, action: "login.failed") { nodes {
      requestId actor { id } subject { email payments(first: 1) { nodes { id } } } } } }"""

    admin = anonymous.logged_in("admin@example.com")
    (event,) = admin.get(failures, of=customer.get("{ me { id } }")["me"]["id"])["auditEvents"]["nodes"]

    assert event == {
        "requestId": answer.headers["x-request-id"],
        "actor": None,
        "subject": {"email": email, "payments": {"nodes": []}},
    }
