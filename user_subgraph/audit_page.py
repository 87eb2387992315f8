"""What `auditEvents` can be asked for: a filter, and a page of it, newest first. Pure.

An event's id begins with its moment, so the order of the ids is that of time, and an id is all that a cursor needs.
"""

import re
from dataclasses import dataclass

from user_subgraph.errors import BadUserInput
from user_subgraph.user_page import MAX_PAGE_SIZE

_EVENT_ID = re.compile(r"aud_[0-9a-hjkmnp-tv-z]{26}")
_ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)*")
MAX_ACTION_LENGTH = 40


@dataclass(frozen=True)
class AuditFilter:
    """Events of the user *user_id*, who did it or whom it was done to, and of one action; `None`: of any."""

    user_id: str | None = None
    action: str | None = None

    def __post_init__(self) -> None:
        if self.action is not None and not _is_action(self.action):
            raise BadUserInput("`action` must be words such as user.created.")


@dataclass(frozen=True)
class AuditPageRequest:
    """The *size* events before the one with the id *after*; without: the newest."""

    size: int
    after: str | None = None


def audit_page_request(first: int | None, after: str | None) -> AuditPageRequest:
    if first is None or not 1 <= first <= MAX_PAGE_SIZE:
        raise BadUserInput(f"`first` must be from 1 to {MAX_PAGE_SIZE}.")
    if after is not None and not _EVENT_ID.fullmatch(after):
        raise BadUserInput("The cursor is not one of ours.")
    return AuditPageRequest(first, after)


def _is_action(text: str) -> bool:
    return len(text) <= MAX_ACTION_LENGTH and _ACTION.fullmatch(text) is not None
