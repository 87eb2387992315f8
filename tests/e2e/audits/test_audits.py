"""GraphQL over HTTP by the audits of graphql-http, at the gateway and at each subgraph that somebody reaches directly."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.node import find_node
from tests.e2e.running_system import RunningSystem

HERE = Path(__file__).resolve().parent


def audited(url: str) -> list[dict[str, Any]]:
    """Each audit with its `status`: "ok", or "notice" (MAY), "warn" (SHOULD), "error" (MUST) with a `reason`."""
    assert (HERE / "node_modules").exists(), "graphql-http is not installed: run `make prepare`."
    command = [find_node(), str(HERE / "audits.mjs"), url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


@pytest.mark.parametrize("part", ["gateway_url", "users_url", "payments_url"])
def test_every_audit_passes_whether_must_should_or_may(system: RunningSystem, part: str) -> None:
    results = audited(f"{getattr(system, part)}/graphql")

    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) >= 61
