"""What a refund is. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class RefundStatus(StrEnum):
    PENDING = "PENDING"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class RefundReason(StrEnum):
    REQUESTED_BY_CUSTOMER = "REQUESTED_BY_CUSTOMER"
    DUPLICATE = "DUPLICATE"
    FRAUDULENT = "FRAUDULENT"
    OTHER = "OTHER"


class RefundSource(StrEnum):
    """API: asked for here. EXTERNAL: made elsewhere, e.g. in the provider's dashboard."""

    API = "API"
    EXTERNAL = "EXTERNAL"


OPEN: Final = frozenset({RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION})
DEAD: Final = frozenset({RefundStatus.FAILED, RefundStatus.CANCELED})


@dataclass(frozen=True, slots=True)
class Refund:
    """One row of `refunds`. While it is open its amount is reserved on the payment."""

    id: str
    payment_id: str
    amount_minor: int
    created_at: datetime
    updated_at: datetime
    status: RefundStatus = RefundStatus.PENDING
    reason: RefundReason = RefundReason.OTHER
    note: str | None = None
    source: RefundSource = RefundSource.API
    provider_refund_id: str | None = None
    failure_reason: str | None = None
    version: int = 1


def refund_totals(refunds: Iterable[Refund]) -> tuple[int, int]:
    """(refunded, still open) in minor units."""
    refunded = pending = 0
    for refund in refunds:
        refunded += refund.amount_minor if refund.status is RefundStatus.SUCCEEDED else 0
        pending += refund.amount_minor if refund.status in OPEN else 0
    return refunded, pending
