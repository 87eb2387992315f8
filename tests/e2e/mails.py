"""The mails of a running system, as whoever runs it finds them: on the terminal."""

from itertools import pairwise

from tests.e2e.client import eventually
from tests.e2e.running_system import RunningSystem


def mailed_links(system: RunningSystem, recipient: str) -> list[str]:
    """The links that were mailed to somebody, the oldest first."""
    lines = list(system.later.lines)
    to_them = (below for mail, below in pairwise(lines) if mail.startswith(f"Mail to {recipient}: "))
    return [below.strip() for below in to_them if below.startswith("  http")]


def mailed_link(system: RunningSystem, recipient: str, already_seen: int = 0) -> str:
    """The link of their next mail, once it has come."""
    return eventually(lambda: mailed_links(system, recipient), lambda links: len(links) > already_seen)[-1]
