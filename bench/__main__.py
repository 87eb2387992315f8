"""`python -m bench`: compare gateways, or look whether ours keeps its memory. See README.md."""

import argparse
import sys
from collections.abc import Callable, Collection, Sequence

from bench.cold_operations import cold_operations
from bench.comparison import Options, compare
from bench.errors import BenchError
from bench.gateways import GATEWAYS
from bench.soak import soak
from bench.table import table
from bench.workload import WORKLOADS
from bench.wrk import require_wrk
from launcher.errors import LaunchError
from launcher.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1, after one sentence, when there is nothing to compare."""
    given = _parser().parse_args(arguments)
    options = Options(
        gateways=[GATEWAYS[name] for name in given.only],
        workloads=[each for each in WORKLOADS if each.name in given.queries],
        rounds=given.rounds,
        seconds=given.seconds,
        warm_up_seconds=given.warm_up,
        connections=given.connections,
    )
    try:
        require_wrk()
        for gateway in options.gateways:
            gateway.install(Settings.from_environment())
        if given.soak:
            soak(given.soak, options, _tell)
        else:
            print(table(compare(options, _tell), options.gateways, options.workloads))
            print(cold_operations())
    except (BenchError, LaunchError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # everything that was started has been stopped on the way here
    return 0


def _tell(progress: str) -> None:
    print(f"  {progress}", file=sys.stderr, flush=True)


def _some(known: Collection[str]) -> Callable[[str], list[str]]:
    """Reads names with commas between them; argparse prints what is wrong with one."""

    def names(text: str) -> list[str]:
        given = text.split(",")
        for each in given:
            if each not in known:
                raise argparse.ArgumentTypeError(f"there is no {each}; there are {', '.join(known)}")
        return given

    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="Compare gateways by what a request costs.")
    parser.add_argument("--only", type=_some(GATEWAYS), default=list(GATEWAYS), metavar="GATEWAY,…")
    names = [each.name for each in WORKLOADS]
    parser.add_argument("--queries", type=_some(names), default=names, metavar="QUERY,…")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    parser.add_argument(
        "--seconds", type=int, default=5, help="at least, of each gateway with each query in a round"
    )
    parser.add_argument("--warm-up", type=int, default=30, help="at most, in seconds")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument(
        "--soak", type=int, nargs="?", const=1_000_000, metavar="REQUESTS", help="only watch memory"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
