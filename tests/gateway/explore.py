"""Looks for supergraphs and operations that the gateway gets wrong: as many as there is time for.

    .tools/bin/uv run --project gateway python -m tests.gateway.explore 0 1000
    APOLLO=<folder with @apollo/composition> … the same with Apollo's composer
    … explore 0 1000 --size 2           larger federations
    … explore 0 1000 --keep             (re)write what test_random_supergraphs.py runs, see KEPT

Needs Node.js, and the packages of schema/. Whatever differs is printed with its seed; the exit status says whether any did.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.gateway.random_operations import RandomOperation, operations
from tests.gateway.random_supergraphs import NothingFits, RandomFederation, random_federation
from tests.gateway.testbed import SUPERGRAPHS, Composition, Federation

RANDOM = SUPERGRAPHS / "random"
OPERATIONS = 12
KEPT = 12
"""How many of the seeds that compose are kept by `--keep`, those with the most directives."""

Compose = Callable[[Mapping[str, str]], dict[str, Any]]


@contextmanager
def composer() -> Iterator[Compose]:
    """One Node.js process that composes again and again."""
    command = ["node", str(SUPERGRAPHS / "compose_lines.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        lines_in, lines_out = process.stdin, process.stdout
        assert lines_in
        assert lines_out

        def compose(subgraphs: Mapping[str, str]) -> dict[str, Any]:
            lines_in.write(json.dumps([*subgraphs.items()]) + "\n")
            lines_in.flush()
            result: dict[str, Any] = json.loads(lines_out.readline())
            return result

        yield compose
        lines_in.close()


def composed(seeds: range, size: int, compose: Compose) -> Iterator[tuple[int, RandomFederation, str]]:
    """Those that can be filled and composed."""
    for seed in seeds:
        try:
            drawn = random_federation(seed, size, may_narrow="APOLLO" in os.environ)
        except NothingFits:
            continue
        result = compose(drawn.sdl)
        if "supergraph" in result:
            yield seed, drawn, result["supergraph"]


def federation_of(drawn: RandomFederation, supergraph: str) -> Federation:
    """Half of them with the labels of progressive overrides on."""
    composition = Composition(supergraph, drawn.sdl)
    draw = len(supergraph) % 2 * 0.99
    return Federation(composition, drawn.objects, drawn.roots, draw=lambda: draw)


def differences(federation: Federation, seed: int, count: int) -> Iterator[tuple[RandomOperation, str]]:
    """Operations the gateway answers unlike one schema over the same objects, and how."""
    for operation in operations(federation.supergraph.api_schema, seed, count):
        truth = federation.truth(operation.query, operation.variables)
        try:
            answer = federation.ask(operation.query, operation.variables)
        except Exception as error:  # noqa: BLE001 — a refusal of a subgraph, or a fault: it is what is looked for
            yield operation, f"{error!r} {getattr(error, 'exceptions', '')}"
            continue
        is_same = answer.get("data") == truth.get("data") and ("errors" in answer) == ("errors" in truth)
        if not is_same:
            yield operation, f"{json.dumps(answer)}\nbut it should be\n{json.dumps(truth)}"


def explore(seeds: range, size: int, compose: Compose) -> int:
    found = Counter[str]()
    for seed, drawn, supergraph in composed(seeds, size, compose):
        found["federations"] += 1
        for operation, how in differences(federation_of(drawn, supergraph), seed, OPERATIONS):
            found["differences"] += 1
            sys.stdout.write(f"seed {seed}: {operation.query} {operation.variables}\n{how}\n\n")
    sys.stdout.write(f"{found['federations']} federations, {found['differences']} differences\n")
    return found["differences"]


def keep(seeds: range, compose: Compose) -> None:
    richest = sorted(composed(seeds, 1, compose), key=lambda each: -_directives(each[1]))[:KEPT]
    for old in RANDOM.glob("*.graphql"):
        old.unlink()
    RANDOM.mkdir(exist_ok=True)
    for seed, _, supergraph in richest:
        (RANDOM / f"{seed}.graphql").write_text(supergraph)


def _directives(drawn: RandomFederation) -> int:
    """Of how many kinds there are how many."""
    text = "\n".join(drawn.sdl.values())
    kinds = (
        "@requires(",
        "@provides(",
        "@override(",
        "@interfaceObject",
        "union ",
        "interface ",
        "extend type",
        "@inaccessible",
    )
    return sum(min(text.count(f" {kind}") + text.count(f"\n{kind}"), 3) for kind in kinds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("start", type=int)
    parser.add_argument("stop", type=int)
    parser.add_argument("--size", type=int, default=1)
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    with composer() as compose:
        if given.keep:
            keep(range(given.start, given.stop), compose)
            return 0
        return min(explore(range(given.start, given.stop), given.size, compose), 1)


if __name__ == "__main__":
    sys.exit(main())
