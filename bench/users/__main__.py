"""`python -m bench.users`: how long lists of users take, with few and with many users, on SQLite and PostgreSQL."""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from statistics import median

from bench.user_database import KINDS, user_database
from bench.users.questions import Ask, questions
from bench.users.stored_users import store
from bench.users.table import Measured, table
from user_subgraph.database import Database
from user_subgraph.user_repository import UserRepository


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    measured: dict[str, list[Measured]] = {}
    for kind in given.databases:
        with user_database(kind) as url, closing(Database(url)) as database:
            for stored in sorted(given.stored):
                _tell(f"{kind}: {stored:,} users are made")
                store(database, stored)
                _measure(database, kind, stored, given.rounds, measured)
    print(table(measured))
    return 0


def _measure(
    database: Database, kind: str, stored: int, rounds: int, into: dict[str, list[Measured]]
) -> None:
    for name, ask in questions(database, stored).items():
        took = [_took_ms(database, ask) for _ in range(rounds)]
        into.setdefault(name, []).append(Measured(kind, stored, median(took)))
        _tell(f"{kind}, {stored:,}: {median(took):9.1f} ms  {name}")


def _took_ms(database: Database, ask: Ask) -> float:
    """In a transaction of its own, as each request has it."""
    began = time.perf_counter()
    with database.reading() as session:
        ask(UserRepository(session))
    return (time.perf_counter() - began) * 1000


def _tell(progress: str) -> None:
    print(f"  {progress}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.users", description=__doc__)
    parser.add_argument("--stored", type=int, nargs="+", default=[1_000, 1_000_000], metavar="USERS")
    parser.add_argument("--rounds", type=int, default=7, help="of which the median counts")
    parser.add_argument("--databases", nargs="+", default=KINDS, choices=KINDS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
