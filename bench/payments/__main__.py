"""`python -m bench.payments`: payments from createPayment to the webhook, with few and with many stored ones."""

import argparse
import sys
from collections.abc import Sequence

from bench.errors import BenchError
from bench.payments.local_system import local_system
from bench.payments.purchases import Purchases, purchase
from bench.payments.stored_payments import store
from bench.payments.table import table
from launcher.errors import LaunchError


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1, after one sentence, when nothing could be measured."""
    given = _parser().parse_args(arguments)
    measured: list[Purchases] = []
    try:
        with local_system(_tell) as system:
            _tell(f"warming up with {given.payments} payments")
            purchase(system, given.payments, given.clients)
            for stored in sorted(given.stored):
                store(system.database_url, stored, _tell)
                for number in range(1, given.rounds + 1):
                    measured.append(purchase(system, given.payments, given.clients))
                    _tell(f"{stored:,} stored, round {number}: {measured[-1].per_second:.0f} payments/s")
    except (BenchError, LaunchError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # everything that was started has been stopped on the way here
    print(table(measured, given.rounds))
    return 0


def _tell(progress: str) -> None:
    print(f"  {progress}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.payments", description=__doc__)
    parser.add_argument("--stored", type=int, nargs="+", default=[1_000, 1_000_000], metavar="PAYMENTS")
    parser.add_argument("--payments", type=int, default=400, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    parser.add_argument("--clients", type=int, default=16, help="at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
