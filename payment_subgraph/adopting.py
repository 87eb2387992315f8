"""Payments that were made elsewhere, in the provider's dashboard or by other software, as payments of ours.

Only those whose money was collected, is held or is on its way: what others began and gave up is nobody's business here.
Which event told of it, how often and when, makes no difference: the provider's object is read, and its id is unique.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.exc import IntegrityError

from payment_subgraph.ids import new_payment_id
from payment_subgraph.money import Money
from payment_subgraph.observation import PaymentSnapshot
from payment_subgraph.payment import CaptureMethod, Payment, PaymentSource, PaymentStatus
from payment_subgraph.repository import Cause, Repository

log = logging.getLogger(__name__)

_ADOPTED: Final = frozenset(
    {PaymentStatus.PROCESSING, PaymentStatus.REQUIRES_CAPTURE, PaymentStatus.SUCCEEDED}
)


@dataclass(frozen=True, slots=True)
class Adopting:
    """*enabled* is False where the account is shared with software whose payments are not to appear here."""

    repository: Repository
    enabled: bool
    clock: Callable[[], datetime]

    async def __call__(self, seen: PaymentSnapshot, cause: Cause) -> Payment | None:
        """A row for an object that has none, to be brought up to date by `refresh`; None if it is not to have one."""
        if not self.enabled:
            return None
        if seen.payment_id or seen.environment or seen.status not in _ADOPTED:
            return None
        if seen.amount is None:  # another currency than those of ISO 4217, or a fraction of its smallest coin
            log.error(
                "ALERT %s is of a sum that cannot be kept: it is not taken over", seen.provider_payment_id
            )
            return None
        return await self._written(_adopted(seen, seen.amount, self.clock()), cause)

    async def _written(self, payment: Payment, cause: Cause) -> Payment | None:
        try:
            async with self.repository.writing() as rows:
                await rows.add_payment(payment, cause)
        except IntegrityError:
            # Another worker had an event of the same payment.
            async with self.repository.reading() as rows:
                return await rows.payment_of_provider(payment.provider_payment_id or "")
        log.info("%s was made elsewhere: now %s", payment.provider_payment_id, payment.id)
        return payment


def _adopted(seen: PaymentSnapshot, amount: Money, now: datetime) -> Payment:
    """Only what it is: what became of it enters by the same door as everything."""
    return Payment(
        id=new_payment_id(),
        owner_id=None,
        amount_minor=amount.minor,
        currency=amount.currency,
        created_at=seen.made.at if seen.made else now,
        updated_at=now,
        source=PaymentSource.EXTERNAL,
        capture_method=seen.made.capture_method if seen.made else CaptureMethod.AUTOMATIC,
        description=seen.made.description if seen.made else None,
        provider_payment_id=seen.provider_payment_id,
    )
