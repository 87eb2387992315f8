"""The way out for a payment that is frozen: read again at the provider, and judged as if it were not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from payment_subgraph.observation import Contradiction
from payment_subgraph.payment import Payment
from payment_subgraph.processor import PaymentProcessor, Refused
from payment_subgraph.rebuild import REFERENCE_TAKEN
from payment_subgraph.refresh import Errand, Refresh
from payment_subgraph.repository import Cause, Repository
from payment_subgraph.syncing import find_intent


class StaysFrozen(Exception):
    """*reason*: what the provider still contradicts us with; None if it has no such payment."""

    def __init__(self, payment: Payment, reason: str | None) -> None:
        self.payment, self.reason = payment, reason
        super().__init__(f"{payment.id} stays frozen: {reason}")


class NotFrozen(Exception):
    pass


class ReferenceNotTaken(Exception):
    """Only a payment whose reference another one has may give it up."""


@dataclass(frozen=True, slots=True)
class Thawing:
    repository: Repository
    processor: PaymentProcessor
    refresh: Refresh
    clock: Callable[[], datetime]

    async def __call__(self, payment_id: str, cause: Cause, *, without_reference: bool = False) -> Payment:
        """The payment as it goes on.

        Raises LookupError, NotFrozen, ReferenceNotTaken, StaysFrozen and, if the provider cannot be asked, ProcessorError.
        """
        async with self.repository.reading() as rows:
            payment = await rows.payment(payment_id)
        if payment is None:
            raise LookupError(payment_id)
        if payment.frozen_reason is None:
            raise NotFrozen(payment_id)
        if without_reference and payment.frozen_reason != REFERENCE_TAKEN:
            raise ReferenceNotTaken(payment_id)
        try:
            return await self._judged_anew(payment, cause, without_reference=without_reference)
        except Contradiction as reason:
            raise StaysFrozen(payment, str(reason)) from reason

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
