"""An auction, with a subgraph that streams bids: another supergraph than the system's, and one with subscriptions."""

import os
import queue
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import httpx

from launcher.settings import ROOT

PYTHON = ROOT / "gateway" / ".venv" / "bin" / "python"
SUPERGRAPH = ROOT / "tests" / "gateway" / "supergraphs" / "subscriptions.graphql"
WAIT_S = 60
ADDRESS = r"http://127\.0\.0\.1:\d+"


class Program:
    """A program of ours that says on standard output or error what happens."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        command = [str(PYTHON), "-m", *arguments]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )  # fmt: skip
        assert self._process.stdout
        self._said: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, args=[self._process.stdout])
        self._listener.start()

    def _listen(self, output: IO[str]) -> None:
        for line in output:
            self._said.put(line)

    def waits_until_it_says(self, pattern: str) -> str:
        while True:
            if found := re.search(pattern, self._said.get(timeout=WAIT_S)):
                return found[0]

    def stop(self) -> None:
        """May be asked for twice."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        assert self._process.stdout
        self._process.stdout.close()


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[Program]:
    program = Program(*arguments, **environment)
    try:
        yield program
    finally:
        program.stop()


@dataclass
class Auction:
    lots: Program
    lots_url: str
    gateway_url: str

    def bid(self, amount: int) -> None:
        mutation = f'mutation {{ bid(lot: "l1", amount: {amount}) {{ amount }} }}'
        httpx.post(
            f"{self.gateway_url}/graphql", json={"query": mutation}, trust_env=False, timeout=60
        ).raise_for_status()


@contextmanager
def running_auction() -> Iterator[Auction]:
    with running("tests.gateway.strawberry_lots") as lots:
        url = f"{lots.waits_until_it_says(ADDRESS)}/graphql"
        with running_gateway(SUBGRAPH_URL_LOTS=url) as (_, gateway_url):
            yield Auction(lots, url, gateway_url)


@contextmanager
def running_gateway(**environment: str) -> Iterator[tuple[Program, str]]:
    """A gateway of the auction and its address."""
    arguments = ("gateway", "--supergraph", str(SUPERGRAPH), "--port", "0")
    with running(*arguments, GATEWAY_KEEP_ALIVE_S="0.2", **environment) as gateway:
        yield gateway, gateway.waits_until_it_says(ADDRESS)
