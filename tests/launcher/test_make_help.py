"""`make help` shows what can be made."""

import re
import subprocess

from launcher.settings import ROOT


def make(*arguments: str) -> str:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_every_suite_of_make_test_is_told_in_one_line() -> None:
    (told,) = re.findall(r"^  make test-NAME .*: (.*)$", make("help"), re.MULTILINE)
    (suites,) = re.findall(r"^test: (.*)$", make("--print-data-base", "help"), re.MULTILINE)

    assert suites.split()
    assert [f"test-{name}" for name in told.split()] == suites.split()
