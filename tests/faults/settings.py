"""What a run of the rig is made of."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Final, Self


class BadSetting(Exception):
    """A sentence that names the variable."""


@dataclass(frozen=True, slots=True)
class RigSettings:
    """*seed* decides what clients intend and what goes wrong; what meets what also depends on the machine.

    *database_url*: of an empty PostgreSQL database; None for a server that is brought along. *black_box*: nothing of
    the service's own helps: no crash points, no forks, a proxy before Stripe, and only answers of the API are compared.
    *quiet_within_s*: until when all must be right once nothing goes wrong any more. *patience_s*: how long a person asks
    again, while everything goes wrong, before the answer counts as never given.
    """

    seed: int
    payments: int
    database_url: str | None = None
    black_box: bool = False
    clients: int = 16
    quiet_within_s: float = 120
    patience_s: float = 180
    services: int = 2
    workers: int = 2
    crash_chance: float = 0.01
    environment: Mapping[str, str] = field(default_factory=lambda: HURRIED)

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ, *, black_box: bool = False) -> Self:
        """FAULT_SEED, FAULT_PAYMENTS and FAULT_DATABASE_URL. Raises BadSetting."""
        return cls(
            seed=_whole(environment, "FAULT_SEED", SystemRandom().randrange(10**6)),
            payments=_whole(environment, "FAULT_PAYMENTS", 300),
            database_url=environment.get("FAULT_DATABASE_URL") or None,
            black_box=black_box,
        )


HURRIED: Final[Mapping[str, str]] = {
    "OPERATION_ANSWER_SECONDS": "2",
    "OPERATION_LEASE_SECONDS": "3",
    "OPERATION_BACK_OFF_SECONDS": "0.3,1,2",
    "OPERATION_GRACE_SECONDS": "4",
    "OPEN_PAYMENT_REREAD_SECONDS": "15",
    "EVENT_BACKFILL_SECONDS": "5",
    "EVENT_BACK_OFF_SECONDS": "0.3,1,2",
    "WORKER_POLL_SECONDS": "0.1",
}
"""The waits of a production system, made short: nothing here takes hours. The lease outlasts every request to the fake
Stripe, the grace everything that it does later."""


def _whole(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal():
        raise BadSetting(f"{name} must be a whole number, not {text!r}.")
    return int(text)
