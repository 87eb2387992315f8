"""Progressive @override: which labels are on for one request.

A label `percent(n)` is on for n of 100 requests; any other is on when the settings say so.
"""

import re
from collections.abc import Callable, Iterable

_PERCENT = re.compile(r"percent\((\d+(?:\.\d+)?)\)")


def labels_on(
    labels: Iterable[str], switched_on: frozenset[str], draw: Callable[[], float]
) -> frozenset[str]:
    """The labels that are on. *draw* gives a number from 0 up to, not including, 1; one number decides all labels."""
    drawn = draw() * 100
    return frozenset(label for label in labels if label in switched_on or drawn < _percentage(label))


def _percentage(label: str) -> float:
    match = _PERCENT.fullmatch(label)
    return float(match[1]) if match else 0.0
