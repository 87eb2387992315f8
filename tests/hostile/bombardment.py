"""Every request of a corpus to one endpoint, from some attackers at once, beside a neighbour who means no harm."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tests.hostile.exchange import Address, Answer, CutShort, Unanswered, answer_to, wire_bytes
from tests.hostile.neighbour import EVERY_S, Latencies, Question, neighbour_of
from tests.hostile.order import complaint_about
from tests.hostile.request import HostileRequest
from tests.hostile.served_process import ServedProcess

ATTACKERS = 4
WARM_UP_QUESTIONS = 60


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint under attack. *process* is None where it runs on another machine: then memory is not measured.

    *token* is the attackers' in those runs that come from somebody who is logged in.
    """

    name: str
    url: str
    question: Question
    process: ServedProcess | None = None
    token: str | None = None


@dataclass(slots=True)
class Outcome:
    """*out_of_order* and *slowest* name requests; memory is what the process has more than before, in MB."""

    sent: int = 0
    answered: int = 0
    cut_short: int = 0
    """Requests that were too large to be read to their end, and got a closed connection for an answer."""
    out_of_order: list[str] = field(default_factory=list)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    took_s: float = 0.0
    growth_mb: float | None = None
    cpu_s: float | None = None
    """What the process has computed for it."""
    is_alive: bool = True
    neighbour: Latencies = field(default_factory=Latencies)

    def note(self, name: str, answer: Answer, complaint: str | None) -> None:
        self.answered += 1
        self.slowest = sorted([*self.slowest, (answer.took_s, name)], reverse=True)[:5]
        if complaint:
            self.out_of_order.append(f"{name}: {complaint} ({answer.status} {answer.body[:200]!r})")


def bombard(
    target: Target,
    requests: Sequence[HostileRequest],
    *,
    token: str | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """One run through all *requests*; *progress* hears how many are done."""
    address = Address.of(target.url)
    outcome, lock, left = Outcome(len(requests)), threading.Lock(), _queued(requests)

    def attack() -> None:
        while (request := _next(left)) is not None:
            sent = wire_bytes(request, address, token)
            try:
                answer = answer_to(sent, request.method, address)
            except CutShort:
                with lock:
                    outcome.cut_short += 1
                continue
            except Unanswered as reason:
                with lock:
                    outcome.out_of_order.append(f"{request.name}: {reason}")
                continue
            complaint = complaint_about(answer, request.method, sent)
            with lock:
                outcome.note(request.name, answer, complaint)
                progress(outcome.answered)

    before = (target.process.memory_mb, target.process.cpu_s) if target.process else None
    began = time.perf_counter()
    with neighbour_of(address, target.question) as outcome.neighbour:
        _all_at_once([threading.Thread(target=attack) for _ in range(ATTACKERS)])
    outcome.took_s = time.perf_counter() - began
    if target.process and before is not None:
        outcome.is_alive = target.process.is_alive
        if outcome.is_alive:
            memory_mb, cpu_s = before
            outcome.growth_mb = target.process.memory_mb - memory_mb
            outcome.cpu_s = target.process.cpu_s - cpu_s
    return outcome


def quiet_run(target: Target, questions: int = WARM_UP_QUESTIONS) -> Latencies:
    """The neighbour alone: warms the process up, and shows what this machine makes of nobody's attack."""
    with neighbour_of(Address.of(target.url), target.question) as latencies:
        time.sleep(questions * EVERY_S)
    return latencies


def _queued(requests: Iterable[HostileRequest]) -> "queue.SimpleQueue[HostileRequest]":
    left: queue.SimpleQueue[HostileRequest] = queue.SimpleQueue()
    for request in requests:
        left.put(request)
    return left


def _next(left: "queue.SimpleQueue[HostileRequest]") -> HostileRequest | None:
    try:
        return left.get_nowait()
    except queue.Empty:
        return None


def _all_at_once(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
