"""The benchmark in small, on a real service: each question gets the answer it is about."""

import pytest

from bench.logins.__main__ import main
from bench.logins.questions import QUESTIONS


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_question_is_answered_and_has_a_line(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--timings", "2", "--databases", database, "--cheap-hashes", "--seed", "1"]) == 0

    head, _, *lines = capsys.readouterr().out.partition("\n\n")[0].splitlines()
    assert [name.strip() for name in head.split("|")[2:-1]] == [
        f"{database}: known ms",
        f"{database}: unknown ms",
        f"{database}: AUC",
    ]
    assert [line.split("|")[1].strip() for line in lines] == [question.name for question in QUESTIONS]
