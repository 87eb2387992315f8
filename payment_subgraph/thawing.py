"""The way out for a payment that is frozen: read again at the provider, and judged as if it were not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from payment_subgraph.errors import NotFound
from payment_subgraph.observation import OTHER_OBJECT, REFERENCE_TAKEN, THAW, Contradiction
from payment_subgraph.payment import Payment, PaymentStatus
from payment_subgraph.processor import PaymentProcessor, Refused
from payment_subgraph.refresh import Errand, ReferenceNotTaken, Refresh
from payment_subgraph.refund import RefundStatus
from payment_subgraph.repository import Cause, Repository
from payment_subgraph.syncing import find_intent


class StaysFrozen(Exception):
    """*reason*: what the provider still contradicts us with; None if it has no such payment."""

    def __init__(self, payment: Payment, reason: str | None) -> None:
        self.payment, self.reason = payment, reason
        super().__init__(f"{payment.id} stays frozen: {reason}")


class NotFrozen(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Thawing:
    repository: Repository
    processor: PaymentProcessor
    refresh: Refresh
    clock: Callable[[], datetime]

    async def __call__(self, payment_id: str, by: str, *, without_reference: bool = False) -> Payment:
        """The payment as it goes on. *by*: who says so.

        Raises NotFound, NotFrozen, ReferenceNotTaken, StaysFrozen; ProcessorError if the provider cannot be asked, and
        RefreshContended if the payment changes all the time.
        """
        async with self.repository.reading() as rows:
            payment = await rows.payment(payment_id)
        if payment is None:
            raise NotFound(payment_id)
        if payment.frozen_reason is None:
            raise NotFrozen(payment_id)
        if without_reference and payment.frozen_reason != REFERENCE_TAKEN:
            raise ReferenceNotTaken(payment_id)
        if payment.frozen_reason == OTHER_OBJECT and await self._second_one_stands(payment):
            raise StaysFrozen(payment, OTHER_OBJECT)
        try:
            return await self._judged_anew(payment, Cause(THAW, by), without_reference=without_reference)
        except Contradiction as reason:
            raise StaysFrozen(payment, str(reason)) from reason
        except IntegrityError as refused:
            if await self._reference_taken(payment):  # it was not yet when we looked
                raise StaysFrozen(payment, REFERENCE_TAKEN) from refused
            raise

    async def _reference_taken(self, payment: Payment) -> bool:
        if payment.owner_id is None or payment.reference is None:
            return False
        async with self.repository.reading() as rows:
            return await rows.live_payment(payment.owner_id, payment.reference) is not None

    async def _second_one_stands(self, payment: Payment) -> bool:
        """Whether the object that froze it, which the log tells, may still bring money, or has kept some."""
        async with self.repository.reading() as rows:
            seen = await rows.last_seen(payment.id)
        second = str(seen["provider_payment_id"]) if seen else None
        if second is None or second == payment.provider_payment_id:
            return False
        there = await self.processor.fetch_payment(second)
        if there.captured is None or there.status not in (PaymentStatus.CANCELED, PaymentStatus.SUCCEEDED):
            return True
        back = [
            one for one in await self.processor.fetch_refunds(second) if one.status is RefundStatus.SUCCEEDED
        ]
        return sum(one.amount.minor for one in back if one.amount) < there.captured.minor

    async def _judged_anew(self, payment: Payment, cause: Cause, *, without_reference: bool) -> Payment:
        intent = payment.provider_payment_id or await find_intent(self.processor, payment)
        if intent is None:
            raise StaysFrozen(payment, None)
        errand = Errand(
            payment.id,
            intent,
            cause,
            refunds=True,
            disputes=True,
            warnings=True,
            thaw=True,
            without_reference=without_reference,
        )
        try:
            thawed = await self.refresh(errand)
        except Refused as gone:
            raise StaysFrozen(payment, None) from gone
        async with self.repository.writing() as rows:
            await rows.hurry_operations(payment.id, self.clock())
        return thawed
