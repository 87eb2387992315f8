"""The four queries that everybody is measured with."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OPERATIONS = Path(__file__).resolve().parent / "operations"


@dataclass(frozen=True)
class Workload:
    """One operation, asked with each of its variables in turn."""

    name: str
    about: str
    federation: str
    variables: Sequence[Mapping[str, Any]] = ({},)

    @property
    def operation(self) -> str:
        return (OPERATIONS / f"{self.name}.graphql").read_text()

    def bodies(self) -> list[str]:
        """The requests, as JSON on one line each."""
        return [json.dumps({"query": self.operation, "variables": each}) for each in self.variables]


USERS = tuple(f"usr_{number:04}" for number in range(1, 21))

WORKLOADS = (
    Workload("A", "90 kB from four subgraphs in 8 fetches", "museum"),
    Workload("B1", "one user and ten payments", "customers", [{"id": user} for user in USERS]),
    Workload("B2", "twenty users and their payments", "customers", [{"after": user} for user in USERS]),
    Workload("B3", "one user, from a single subgraph", "customers"),
)
