"""The README's code blocks and its table of logins, for tests that do what it says."""

import json
import re

from launcher.settings import ROOT

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The fenced code blocks of one language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def operation(word: str) -> str:
    """The one GraphQL operation in which *word* stands."""
    [found] = [block for block in blocks("graphql") if word in block]
    return found


def logins() -> list[dict[str, str]]:
    """The table of logins, one for each: what is done, and whom it may be done for."""
    heading, _, *rows = re.findall(r"^\| (?:login|`\S+@).*|^\|---\|---\|---\|---.*", README, re.MULTILINE)
    columns = _cells(heading)
    return [
        dict(zip(columns, [login, *rights], strict=True))
        for named, *rights in map(_cells, rows)
        for login in re.findall(r"`(\S+)`", named)
    ]


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def with_ids_left_open(answer: object) -> object:
    """The answer with every payment id cut down to the part that is the same everywhere, as the README prints it."""
    return json.loads(re.sub(r'"pay_01[0-9a-z]+"', '"pay_01…"', json.dumps(answer, ensure_ascii=False)))
