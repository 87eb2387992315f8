"""Somebody who asks small things all the while, from a process of its own, and notes how long each answer took."""

import http.client
import json
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from tests.hostile.exchange import Address

EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Question:
    """*tokens*: who asks, in turn; None is somebody who is not logged in."""

    query: str
    variables: dict[str, Any]
    tokens: tuple[str | None, ...]


@dataclass(slots=True)
class Latencies:
    """*seconds* of each answer; *wrong* ones are those that were not what was asked for."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def percentile_ms(self, percent: float) -> float:
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


@contextmanager
def neighbour_of(address: Address, question: Question) -> Iterator[Latencies]:
    """Asks during the block; what is given has its latencies after it."""
    context = multiprocessing.get_context("spawn")  # a fork would take the attackers' threads along
    ours, theirs = context.Pipe()
    process = context.Process(target=_ask_until_told, args=(theirs, address, question), daemon=True)
    process.start()
    latencies = Latencies()
    ours.recv()  # it has asked for the first time
    try:
        yield latencies
    finally:
        ours.send("enough")
        noted = ours.recv()
        process.join()
        latencies.seconds, latencies.wrong = noted.seconds, noted.wrong


def _ask_until_told(told: Connection, address: Address, question: Question) -> None:
    asked = [_Asked(address, question, token) for token in question.tokens]
    for each in asked:
        each.answer()
    told.send("begun")
    latencies, due, number = Latencies(), time.perf_counter(), 0
    while not told.poll(max(0.0, due - time.perf_counter())):
        began = time.perf_counter()
        wrong = asked[number % len(asked)].answer()
        latencies.seconds.append(time.perf_counter() - began)
        if wrong:
            latencies.wrong.append(wrong)
        due, number = began + EVERY_S, number + 1
    told.send(latencies)


class _Asked:
    """One question on one connection, which stays open as a browser's does."""

    def __init__(self, address: Address, question: Question, token: str | None) -> None:
        self._connection = http.client.HTTPConnection(address.host, address.port, timeout=60)
        self._path = address.path
        self._body = json.dumps({"query": question.query, "variables": question.variables}).encode()
        self._headers = {"content-type": "application/json"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"

    def answer(self) -> str | None:
        """What was wrong with the answer, or None. An error is right for who may not have what is asked for."""
        try:
            self._connection.request("POST", self._path, self._body, self._headers)
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return repr(error)
        if response.status != 200 or ("authorization" in self._headers and b'"errors"' in body):
            return f"{response.status} {body[:200]!r}"
        return None
