"""What the gateway's documents promise, where it can be held to the code."""

import re
from collections import Counter
from pathlib import Path

from gateway.settings import setting_names
from tests.gateway.running_gateway import ROOT

READ_ELSEWHERE = {
    "SUBGRAPH_URL_<NAME>",
    "SUBGRAPH_SUBSCRIPTIONS_<NAME>",
    "SUBGRAPH_MUTATION_REQUEST_HEADERS_<NAME>",
    "SUBGRAPH_MUTATION_RESPONSE_HEADERS_<NAME>",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
}
"""One for each subgraph, and what the TLS library reads."""


def text(path: str) -> str:
    return (ROOT / path).read_text()


def section(document: str, title: str) -> str:
    return document.partition(f"\n{title}\n")[2].partition("\n## ")[0]


def test_every_setting_is_in_the_table_once_and_the_table_has_no_others() -> None:
    rows = re.findall(r"^\| (`[^|]*)\|", section(text("gateway/README.md"), "## Settings"), re.MULTILINE)
    named = Counter(name for row in rows for name in re.findall(r"`([^`]+)`", row))

    assert named == Counter(setting_names() | READ_ELSEWHERE)


def test_the_example_of_a_unit_runs_where_python_finds_the_gateway() -> None:
    unit = dict(re.findall(r"^(\w+)=(\S+)", text("docs/operations.md"), re.MULTILINE))

    python = Path(unit["ExecStart"])
    assert python == Path(unit["WorkingDirectory"]) / "gateway/.venv/bin/python"
