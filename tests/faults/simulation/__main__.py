"""`python -m tests.faults.simulation [FIRST] [COUNT]`: many schedules, or with COUNT 1 what one of them was like."""

import sys
from collections import Counter
from time import monotonic

from tests.faults.simulation.schedule import workbench


def main() -> int:
    first, count = (*map(int, sys.argv[1:3]), *(0, 1000)[len(sys.argv) - 1 :])
    began, wrong, deaths = monotonic(), 0, Counter[str]()
    with workbench() as bench:
        for seed in range(first, first + count):
            outcome = bench.play(seed)
            deaths.update(point for point, _ in outcome.deaths)
            if not outcome.is_right or count == 1:
                wrong += not outcome.is_right
                print(outcome)
            if count == 1:
                print(*outcome.books.told, sep="\n")
    took = monotonic() - began
    print(f"{count} schedules from seed {first} in {took:.0f} s ({count / took:.1f} a second): {wrong} wrong")
    print("\n".join(f"{number:7} died at {point}" for point, number in sorted(deaths.items())))
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
