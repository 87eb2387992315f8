"""Reading a payment again because somebody asks for it, who doubts what our rows say."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from payment_subgraph.errors import NotFound, ProviderRefused
from payment_subgraph.payment import Payment
from payment_subgraph.processor import PaymentProcessor, ProcessorError, Refused
from payment_subgraph.refresh import Errand, Refresh
from payment_subgraph.repository import Cause, Repository
from payment_subgraph.viewer import Viewer

log = logging.getLogger(__name__)

_CLOCK_SKEW: Final = timedelta(minutes=5)
_MADE_WITHIN: Final = timedelta(days=1)
_UNREACHABLE: Final = "The payment provider could not be asked."


@dataclass(frozen=True, slots=True)
class Syncing:
    """*answer_within*: how long the provider is waited for. It is only read, nothing is sent."""

    repository: Repository
    processor: PaymentProcessor
    refresh: Refresh
    answer_within: timedelta
    clock: Callable[[], datetime]

    async def sync_payment(self, viewer: Viewer, payment_id: str) -> Payment:
        """The payment as the provider has it now. Raises NotFound, and ProviderRefused if it cannot be read."""
        async with self.repository.reading() as rows:
            payment = await rows.payment(payment_id)
        if payment is None or not viewer.may_write(payment.owner_id):
            raise NotFound(payment_id)
        try:
            return await self._read_again(payment, Cause("SYNC", viewer.user_id or ""))
        except TimeoutError as late:
            log.warning("payment %s was not read again: no answer in time", payment.id)
            raise ProviderRefused(None, retryable=True, message=_UNREACHABLE) from late
        except Refused as said:
            log.warning("payment %s was not read again: %s", payment.id, said)
            raise ProviderRefused(said.request_id, retryable=False) from said
        except ProcessorError as said:
            log.warning("payment %s was not read again: %s", payment.id, said)
            raise ProviderRefused(said.request_id, retryable=True, message=_UNREACHABLE) from said

    async def _read_again(self, payment: Payment, cause: Cause) -> Payment:
        """As it is, if the provider has no object of it."""
        async with asyncio.timeout(self.answer_within.total_seconds()):
            intent = payment.provider_payment_id or await find_intent(self.processor, payment)
            if intent is None:
                return payment
            errand = Errand(payment.id, intent, cause, refunds=True, disputes=True, warnings=True)
            reading = await self.refresh.read(errand)
        written = await self.refresh(errand, reading)
        async with self.repository.writing() as rows:
            await rows.hurry_operations(payment.id, self.clock())
        return written


async def find_intent(processor: PaymentProcessor, payment: Payment) -> str | None:
    """The provider's object of a payment whose creation was never answered, or was given up."""
    window = payment.created_at - _CLOCK_SKEW, payment.updated_at + _MADE_WITHIN
    seen = await processor.find_payment(payment.id, *window)
    return seen.provider_payment_id if seen else None
