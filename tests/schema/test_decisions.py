"""docs/decisions/README.md lists every decision."""

import re

from schema.__main__ import ROOT

DECISIONS = ROOT / "docs" / "decisions"


def test_the_table_of_decisions_is_complete() -> None:
    rows = re.findall(
        r"^\| (\d+) \| \[(.+)\]\((.+)\) \|$", (DECISIONS / "README.md").read_text(), re.MULTILINE
    )

    assert rows == [(*_heading(page.read_text()), page.name) for page in sorted(DECISIONS.glob("0*.md"))]


def _heading(page: str) -> tuple[str, ...]:
    found = re.match(r"# (\d+)\. (.+)", page)
    assert found
    return found.groups()
