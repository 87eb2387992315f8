"""The answer of what either happens or is refused: there is nothing else to tell."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AcceptedSuccess:
    accepted: bool = True
