"""The chance that one of these is longer than one of those."""

import pytest

from bench.logins.chance import chance_to_be_longer, spread_by_chance


@pytest.mark.parametrize(
    ("these", "those", "chance"),
    [
        ([3.0, 4.0], [1.0, 2.0], 1.0),
        ([1.0, 2.0], [3.0, 4.0], 0.0),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 0.5),
        ([5.0, 5.0], [5.0, 5.0, 5.0], 0.5),
        ([1.0, 4.0], [2.0, 3.0], 0.5),
        ([2.0, 2.0, 9.0], [1.0, 2.0], (1.5 + 1.5 + 2) / 6),
    ],
    ids=["all longer", "none longer", "equal", "all tied", "around", "some tied"],
)
def test_of_equal_ones_half_count(these: list[float], those: list[float], chance: float) -> None:
    assert chance_to_be_longer(these, those) == chance


def test_both_ways_make_one() -> None:
    these, those = [1.0, 2.0, 2.0, 7.0, 3.0], [2.0, 5.0, 1.0]

    assert chance_to_be_longer(these, those) + chance_to_be_longer(those, these) == 1


def test_every_pair_counts_once() -> None:
    these, those = [4.0, 1.0, 3.0, 3.0], [3.0, 2.0, 5.0]

    pairs = [(one > other) + (one == other) / 2 for one in these for other in those]

    assert chance_to_be_longer(these, those) == pytest.approx(sum(pairs) / len(pairs))


def test_of_four_hundred_it_strays_by_a_fiftieth() -> None:
    assert spread_by_chance(400) == pytest.approx(0.0204, abs=0.0001)
