"""What gateway/README.md says to try is tried, and gives what stands there."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.gateway.patience import LONG_S
from tests.gateway.running_gateway import ROOT, RunningGateway, start

SUBGRAPH = "examples.countdown"
SUPERGRAPH = "examples/countdown/supergraph.graphql"
MANIFEST = "examples/countdown/trusted-documents.json"
README = (ROOT / "gateway" / "README.md").read_text()
TRIED = re.findall(r"```sh\n(curl [^\n]*)\n```\n(?:[^`]*```\n(.*?)\n```)?", README, re.DOTALL)
"""(command, what it prints)"""


@pytest.fixture(scope="module")
def subgraph_url() -> Iterator[str]:
    command = [sys.executable, "-m", SUBGRAPH, "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().partition(" ")[2].strip()
        process.kill()


@contextmanager
def gateway(subgraph_url: str, **environment: str) -> Iterator[RunningGateway]:
    address = {"SUBGRAPH_URL_COUNTDOWN": subgraph_url}
    started = RunningGateway(start("--supergraph", SUPERGRAPH, "--port", "0", **address | environment))
    try:
        yield started
    finally:
        started.end()


def printed(command: str, url: str) -> str:
    """What curl would print."""
    curl, *words = shlex.split(command)
    assert curl == "curl"
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    body = next((words[at + 1] for at, word in enumerate(words) if word == "-d"), None)
    address = next(word for word in words if word.startswith("http")).replace("http://127.0.0.1:8000", url)
    return httpx.request(
        "POST" if body else "GET", address, headers=headers, content=body, timeout=LONG_S
    ).text


def tried(words: str) -> tuple[str, str]:
    """The command with these words, and what it prints."""
    ((command, output),) = [each for each in TRIED if words in each[0]]
    return command, output


def without_space_at_line_ends(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).strip()


@pytest.mark.parametrize("words", ["subscription {", "x-query-plan", "documentId"])
def test_a_request_of_the_readme_gives_what_stands_there(subgraph_url: str, words: str) -> None:
    command, output = tried(words)
    trusting = {"GATEWAY_TRUSTED_DOCUMENTS": MANIFEST} if words == "documentId" else {}

    with gateway(subgraph_url, GATEWAY_SHOW_PLANS="1", **trusting) as running:
        assert without_space_at_line_ends(printed(command, running.url)) == output


def test_the_metrics_of_the_readme_are_there(subgraph_url: str) -> None:
    command, _ = tried("/metrics")

    with gateway(subgraph_url) as running:
        text = printed(command, running.url)

    assert "gateway_requests_in_progress 0" in text


def test_the_readme_starts_the_programs_that_were_tried_here() -> None:
    assert f"python -m {SUBGRAPH}\n" in README
    assert f"python -m gateway --supergraph {SUPERGRAPH}\n" in README
    assert f"GATEWAY_TRUSTED_DOCUMENTS={MANIFEST}" in README
