"""From a client's report to its cause: one id in every service's log."""

import json

import httpx
import pytest

from tests.e2e.client import ONE_QUERY, Client, eventually
from tests.e2e.running_system import RunningSystem


@pytest.mark.parametrize("service", ["user_subgraph", "payment_subgraph"])
def test_the_answers_id_finds_the_request_in_the_subgraphs_logs(
    system: RunningSystem, ada: Client, service: str
) -> None:
    answer = httpx.post(
        ada.url, json={"query": ONE_QUERY}, headers={"authorization": f"Bearer {ada.token}"}, trust_env=False
    )

    request_id = answer.headers["x-request-id"]
    log = system.data_dir / "logs" / f"{service}.log"
    lines = eventually(lambda: [line for line in log.read_text().splitlines() if request_id in line], bool)
    told = [json.loads(line) for line in lines]
    assert {(line["method"], line["path"], line["status"]) for line in told} == {("POST", "/graphql", 200)}
    assert {line["request_id"] for line in told} == {request_id}
