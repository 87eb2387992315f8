"""How well times tell two groups apart. Pure."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def chance_to_be_longer(these: Sequence[float], those: Sequence[float]) -> float:
    """That any of *these* is longer than any of *those*; of equal ones half count.

    0.5: nothing tells them apart. It is the area under the ROC curve of who guesses by the time (AUC), which is
    Mann and Whitney's U as a share of all pairs.
    """
    ordered = sorted(those)
    shorter_twice = sum(bisect_left(ordered, one) + bisect_right(ordered, one) for one in these)
    return shorter_twice / (2 * len(these) * len(ordered))


def spread_by_chance(count: int) -> float:
    """The standard deviation of that chance for two groups of *count* which nothing tells apart."""
    return math.sqrt((2 * count + 1) / (12 * count**2))
