"""Which processor the settings ask for: the only module that knows more than one."""

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from payment_subgraph.bank_transfer_processor import BankTransferProcessor
from payment_subgraph.processor import PaymentProcessor
from payment_subgraph.settings import BankTransferSettings, Settings, StripeSettings
from payment_subgraph.stripe_processor import StripeProcessor


def open_processor(settings: Settings, clock: Callable[[], datetime]) -> PaymentProcessor:
    """To be closed by who opened it."""
    match settings.processor:
        case StripeSettings() as stripe:
            return StripeProcessor(
                stripe.secret_key, environment=settings.environment, api_base=stripe.api_base, clock=clock
            )
        case BankTransferSettings():
            return BankTransferProcessor(settings.database.url, environment=settings.environment, clock=clock)
        case _:
            assert_never(settings.processor)
