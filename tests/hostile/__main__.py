"""`python -m tests.hostile [users|payments|gateway …]`: bombards a system started for it, and prints what that did.

With --url one process is bombarded that runs already.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.e2e.running_system import running_system
from tests.hostile.bombardment import Outcome, Target, bombard, quiet_run
from tests.hostile.corpus import hostile_requests
from tests.hostile.neighbour import Latencies, Question
from tests.hostile.served_process import ServedProcess
from tests.hostile.targets import QUESTIONS, sdl_of, targets_of

NAMES = tuple(QUESTIONS)


def main() -> int:
    options = _parser().parse_args()
    if options.url:
        process = ServedProcess(options.pid) if options.pid else None
        tokens = (None, options.token) if options.token else (None,)
        question = Question(QUESTIONS[options.targets[0]], {"users": []}, tokens)
        return _measure([Target(options.targets[0], options.url, question, process, options.token)])
    with tempfile.TemporaryDirectory() as data_dir, running_system(Path(data_dir)) as system:
        return _measure([target for target in targets_of(system) if target.name in options.targets])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("targets", nargs="*", type=_known, default=NAMES, metavar="|".join(NAMES))
    parser.add_argument("--url", help="of the GraphQL endpoint; then exactly one target is named")
    parser.add_argument("--pid", type=int, help="of the process behind it, to measure its memory")
    parser.add_argument("--token", help="an access token: half of the requests come with it then")
    return parser


def _known(name: str) -> str:
    if name not in NAMES:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(NAMES)}")
    return name


def _measure(targets: list[Target]) -> int:
    """The exit status: 1 when something was not in order."""
    failed = False
    for target in targets:
        requests = hostile_requests(sdl_of(target.name))
        print(f"{target.name}: {len(requests)} requests, load {os.getloadavg()[0]:.1f}")
        _show_neighbour("nobody attacks", quiet_run(target))
        for title, token in (("anonymous", None), ("logged in", target.token), ("again", target.token)):
            outcome = bombard(target, requests, token=token, progress=_progress(len(requests)))
            _show(title, outcome)
            failed = failed or bool(outcome.out_of_order) or not outcome.is_alive
    return int(failed)


def _progress(all_of_them: int) -> Callable[[int], None]:
    def show(done: int) -> None:
        if sys.stdout.isatty() and done % 20 == 0:
            print(f"\r  {done} of {all_of_them}", end="\r", flush=True)

    return show


def _show(title: str, outcome: Outcome) -> None:
    grown = "not measured" if outcome.growth_mb is None else f"{outcome.growth_mb:+.1f} MB"
    print(
        f"  {title:15} {outcome.answered} of {outcome.sent} answered ({outcome.cut_short} cut short) in {outcome.took_s:.0f} s, "
        f"{len(outcome.out_of_order)} out of order, memory {grown}, {'alive' if outcome.is_alive else 'DEAD'}"
    )
    _show_neighbour("", outcome.neighbour)
    for seconds, name in outcome.slowest:
        print(f"  {'':15}   {1000 * seconds:6.0f} ms  {name}")
    for complaint in outcome.out_of_order:
        print(f"  {'':15} ! {complaint}")


def _show_neighbour(title: str, latencies: Latencies) -> None:
    print(
        f"  {title:15} neighbour: p50 {latencies.percentile_ms(50):.1f} ms, p99 {latencies.percentile_ms(99):.1f} ms, "
        f"longest {latencies.percentile_ms(100):.0f} ms of {len(latencies.seconds)}; {len(latencies.wrong)} wrong"
        + (f", as {latencies.wrong[0]}" if latencies.wrong else "")
    )


if __name__ == "__main__":
    sys.exit(main())
