"""The table of timings, and what is said of it."""

from bench.logins.table import Measured, table, verdict

ALIKE = Measured("sqlite", known_ms=[1.0, 2.0, 3.0], unknown_ms=[1.0, 2.0, 3.0])
TOLD_APART = Measured("sqlite", known_ms=[1.0, 2.0, 3.0], unknown_ms=[1001.5, 1001.5, 1001.5])

EXPECTED = """
|          | sqlite: known ms | sqlite: unknown ms | sqlite: AUC |
| -------- | ---------------- | ------------------ | ----------- |
| login    |             2.00 |               2.00 |       0.500 |
| register |             2.00 |           1,001.50 |       0.000 |
"""


def test_every_question_has_a_line() -> None:
    assert table({"login": [ALIKE], "register": [TOLD_APART]}) == EXPECTED.strip()


def test_those_outside_are_named() -> None:
    said = verdict({"login": [ALIKE], "register": [TOLD_APART]})

    assert said.splitlines()[:2] == ["Outside of 0.45 to 0.55:", "  register, sqlite: AUC 0.000"]
    assert "login" not in said


def test_it_says_so_if_there_is_none() -> None:
    assert verdict({"login": [ALIKE]}).startswith("All are within 0.45 to 0.55.")
