"""`python -m bench.logins`: whether the time of an answer tells who has an account, on SQLite and PostgreSQL."""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from random import Random, SystemRandom
from typing import Final

from flask.testing import FlaskClient

from bench.logins.accounts import addresses
from bench.logins.installation import Installation, installation
from bench.logins.questions import QUESTIONS, Question
from bench.logins.table import Measured, table, verdict
from bench.user_database import KINDS
from user_subgraph.app import Parts, assembled, create_app
from user_subgraph.audit import OPERATOR
from user_subgraph.bounds import Throttled
from user_subgraph.errors import RateLimitedError
from user_subgraph.runtime import settle

_CHEAP_HASHES: Final = {"ARGON2_TIME_COST": "1", "ARGON2_MEMORY_KIB": "8", "ARGON2_PARALLELISM": "1"}


class UnexpectedAnswer(Exception):
    """What was timed is not what was asked."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    _tell(f"seed {given.seed}")
    randomness = Random(given.seed)  # noqa: S311 - a seed is to be known
    settle()
    measured: dict[str, list[Measured]] = {}
    for database in given.databases:
        known = addresses(randomness, given.timings)
        with installation(database, known, _CHEAP_HASHES if given.cheap_hashes else {}) as installed:
            for question in QUESTIONS:
                if given.only in question.name:
                    one = _measured(installed, question, randomness)
                    measured.setdefault(question.name, []).append(one)
                    _tell(f"{database}: {question.name}: {one}")
    print(table(measured), verdict(measured), sep="\n\n")
    return 0


def _measured(installed: Installation, question: Question, randomness: Random) -> Measured:
    """As many unknown addresses as known ones, all in one random order, asked through the whole application."""
    count = len(installed.known)
    known, unknown = installed.known, addresses(randomness, count)
    if question.again:
        known, unknown = [known[0]] * count, [unknown[0]] * count
    order = [*((email, True) for email in known), *((email, False) for email in unknown)]
    randomness.shuffle(order)
    settings = installed.settings(question.bounds)
    took_ms: dict[bool, list[float]] = {True: [], False: []}
    with closing(assembled(settings)) as parts:
        _guess(parts, question.guesses, {*known, *unknown})
        client = create_app(settings, parts).test_client()
        for email, is_known in order:
            took_ms[is_known].append(_took_ms(client, question, email))
    return Measured(installed.database, took_ms[True], took_ms[False])


def _guess(parts: Parts, guesses: int, emails: set[str]) -> None:
    """As if that many wrong passwords had been brought for each."""
    for email in emails:
        for _ in range(guesses):
            with suppress(RateLimitedError):
                parts.throttling.count(Throttled.LOGIN, email, OPERATOR)


def _took_ms(client: FlaskClient, question: Question, email: str) -> float:
    began = time.perf_counter()
    answer = question.send(client, email)
    took = time.perf_counter() - began
    if question.answer not in answer.text:
        raise UnexpectedAnswer(answer.text)
    return took * 1000


def _tell(progress: str) -> None:
    print(f"  {progress}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.logins", description=__doc__)
    parser.add_argument(
        "--timings", type=int, default=400, help="of known addresses, and as many of unknown ones"
    )
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    parser.add_argument("--only", default="", help="questions whose name holds this")
    parser.add_argument(
        "--cheap-hashes", action="store_true", help="to see what the hash of a password hides"
    )
    parser.add_argument("--databases", nargs="+", default=KINDS, choices=KINDS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
