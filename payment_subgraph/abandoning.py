"""Payments that nobody comes back to: canceled after a while, or they would be read again for ever."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from payment_subgraph.errors import Refusal
from payment_subgraph.payment import Payment, PaymentSource, PaymentStatus
from payment_subgraph.use_cases import UseCases

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Abandoning:
    """*after*: how long nothing may have changed; None for never."""

    use_cases: UseCases
    clock: Callable[[], datetime]
    after: timedelta | None

    async def __call__(self, payment: Payment) -> None:
        """Cancel *payment*, as it was just read, if it is abandoned."""
        if not self._is_abandoned(payment):
            return
        try:
            await self.use_cases.cancel_abandoned(payment)
        except Refusal as refusal:  # somebody has come back just now, or the provider does not let it go
            log.info("payment %s was not given up: %s", payment.id, refusal)

    def _is_abandoned(self, payment: Payment) -> bool:
        """Only what waits for a way to pay: who was sent to a bank or holds a voucher may take days."""
        return (
            self.after is not None
            and payment.source is PaymentSource.API
            and payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
            and payment.frozen_reason is None
            and self.clock() - payment.updated_at >= self.after
        )
