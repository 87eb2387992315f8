"""What is wrong with one input field. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with one input field; *path* is relative to the input object."""

    path: tuple[str, ...]
    code: str
    message: str
