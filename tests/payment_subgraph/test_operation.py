"""When an operation is sent again, looked up, or given up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from payment_subgraph.operation import Operation, OperationKind, Patience, Step, absence_is_final, next_step

SENT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
PATIENCE = Patience()


def operation(**changes: object) -> Operation:
    made = Operation(
        id="op_1",
        payment_id="pay_1",
        kind=OperationKind.CREATE,
        actor_id="usr_1",
        client_key="k",
        request_hash="",
        provider_key="pay_1:create",
        params={},
        provider_version="v",
        created_at=SENT,
        due_at=SENT,
        attempts=1,
        first_sent_at=SENT,
        last_sent_at=SENT,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "hours", "step"),
    [
        ({"first_sent_at": None, "attempts": 0}, 0, Step.SEND),
        ({"first_sent_at": None, "attempts": 0}, 48, Step.SEND),
        ({}, 0, Step.SEND),
        ({}, 22.9, Step.SEND),
        ({}, 23, Step.LOOK),
        ({"must_look": True}, 0, Step.LOOK),
    ],
)
def test_the_same_key_is_used_only_while_the_provider_remembers_it(
    changes: dict[str, object], hours: float, step: Step
) -> None:
    assert next_step(operation(**changes), SENT + timedelta(hours=hours), PATIENCE) is step


@pytest.mark.parametrize(
    ("looks", "minutes", "final"),
    [(0, 60, False), (1, 60, False), (2, 14, False), (2, 15, True), (9, 1, False), (0, 24 * 60, True)],
)
def test_absence_is_believed_after_the_grace_and_three_looks(
    looks: int, minutes: int, *, final: bool
) -> None:
    looked = operation(looks=looks, must_look=True)

    assert absence_is_final(looked, SENT + timedelta(minutes=minutes), PATIENCE) is final


def test_the_pauses_grow_and_then_stay() -> None:
    pauses = [PATIENCE.next_try(operation(attempts=n), SENT) - SENT for n in (1, 2, 3, 4, 5, 6, 50)]

    assert [pause.total_seconds() for pause in pauses] == [5, 30, 120, 600, 3600, 3600, 3600]
