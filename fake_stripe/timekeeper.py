"""Does what falls due on the fake's clock: late captures and refunds, the end of authorizations and disputes, requests
finished after a 500.
"""

from typing import assert_never

from fake_stripe import authorization, charges, disputes, due_work, refunds
from fake_stripe.answering import run_late
from fake_stripe.bell import Bell
from fake_stripe.due_work import Work
from fake_stripe.execution import Runtime


class Timekeeper:
    """The background loop over the due work."""

    def __init__(self, runtime: Runtime, bell: Bell) -> None:
        self._runtime, self._bell = runtime, bell

    async def run(self) -> None:
        """Work for ever."""
        while True:
            while work := due_work.next_due(self._runtime.store, self._runtime.clock.time()):
                self._do(work)
            next_at = due_work.next_due_at(self._runtime.store)
            await self._bell.heard(
                None if next_at is None else max(0.0, next_at - self._runtime.clock.time())
            )

    def _do(self, work: Work) -> None:
        """The work and the end of its row are one transaction: a crash neither loses nor repeats it."""
        with self._runtime.execution() as execution:
            match work.kind:
                case "decide_dispute":
                    disputes.decide(execution, work.details)
                case "run_out_dispute":
                    disputes.run_out(execution, work.details)
                case "settle_charge":
                    charges.settle_late(execution, work.details)
                case "settle_refund":
                    refunds.settle(execution, work.details)
                case "expire_authorization":
                    authorization.expire(execution, work.details)
                case "execute_request":
                    run_late(execution, work.details)
                case _:
                    assert_never(work.kind)
            due_work.done(execution.store, work)
