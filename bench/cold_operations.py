"""What an operation costs our gateway when it comes for the first time: the ones of the GraphiQL page, on our supergraph.

In CPU time, so that a busy machine does not show. The very first one after a start also pays for what is made once.
"""

import gc
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from gateway.operations.operation import prepare
from gateway.planner import plan_operation
from gateway.settings import Limits
from gateway.supergraph.model import Supergraph
from gateway.supergraph.reader import load_supergraph
from launcher.settings import ROOT

SUPERGRAPH = ROOT / "schema" / "supergraph.graphql"
OPERATIONS = ROOT / "frontend" / "src" / "graphiql" / "operations"
TRIES = 21


@dataclass(frozen=True)
class Cold:
    check_ms: float
    """Parsing, validation, limits, and what is demanded of the caller."""
    plan_ms: float
    fetches: int
    """In the plan."""


def cold_operations() -> str:
    """A table."""
    sdl = SUPERGRAPH.read_text()
    heading = "An operation that comes for the first time, on our own supergraph, CPU ms (first / median):"
    files = sorted(OPERATIONS.glob("*.graphql"))
    lines = (_line(file, list(tries(file.read_text(), load_supergraph(sdl)))) for file in files)
    return "\n".join(["", heading, "", *lines])


def _line(file: Path, tries: list[Cold]) -> str:
    first = tries[0]
    read, planned = (
        median(values) for values in zip(*((each.check_ms, each.plan_ms) for each in tries), strict=True)
    )
    return (
        f"  {file.stem:<20} check {first.check_ms:5.1f} / {read:4.1f}"
        f"   plan {first.plan_ms:5.1f} / {planned:4.1f}   fetches {first.fetches}"
    )


def tries(text: str, supergraph: Supergraph) -> Iterator[Cold]:
    limits = Limits()
    gc.collect()  # what the comparison left is none of this operation's cost
    for number in range(TRIES):
        started = time.thread_time()
        # A text of its own each time: nothing kept for the last one can help.
        operation = prepare(f"{text}# {number}", None, supergraph.api_schema, limits)
        operation = operation.with_cost(supergraph, limits.cost).with_demands(supergraph)
        prepared = time.thread_time()
        # For a caller who lacks nothing: of what others may not see there is less to plan, or nothing.
        plan = plan_operation(operation.node, operation.selection(supergraph, {}), supergraph, frozenset())
        planned = time.thread_time()
        yield Cold((prepared - started) * 1e3, (planned - prepared) * 1e3, str(plan).count("Fetch("))
