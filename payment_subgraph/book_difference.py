"""What our books and the provider's do not say alike. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class BookDifferenceCause(StrEnum):
    """NOT_POSTED: rows and provider agree, but the ledger has another sum.

    UNREADABLE: this release makes nothing of the provider's object, so nobody knows whether it is alike.
    """

    MISSING_HERE = "MISSING_HERE"
    MISSING_THERE = "MISSING_THERE"
    OTHER_AMOUNT = "OTHER_AMOUNT"
    OTHER_STATUS = "OTHER_STATUS"
    NOT_POSTED = "NOT_POSTED"
    UNREADABLE = "UNREADABLE"


class BookObject(StrEnum):
    PAYMENT = "PAYMENT"
    REFUND = "REFUND"
    DISPUTE = "DISPUTE"
    BALANCE_TRANSACTION = "BALANCE_TRANSACTION"


@dataclass(frozen=True, slots=True)
class BookDifference:
    """One object and what is wrong with it. Amounts are minor units of *currency*; None where a side has none.

    *object_id* is our id, or the provider's for what is missing here or cannot be read. *payment_key* is common to all
    that concerns one payment: our id of it, or the provider's if we have none; of what cannot be read, not even whose it
    is, the object's own id.
    """

    payment_key: str
    object_type: BookObject
    object_id: str
    cause: BookDifferenceCause
    currency: str
    payment_id: str | None = None
    provider_object_id: str | None = None
    amount_here: int | None = None
    amount_there: int | None = None
    status_here: str | None = None
    status_there: str | None = None

    def __str__(self) -> str:
        what = f"{self.cause} {self.object_type.lower()} {self.object_id}"
        if self.cause is BookDifferenceCause.UNREADABLE:
            return f"{what} of {self.payment_id}" if self.payment_id else what
        here = self.told(self.amount_here, self.status_here)
        there = self.told(self.amount_there, self.status_there)
        return f"{what}: here {here}, there {there}"

    def told(self, minor: int | None, status: str | None) -> str:
        parts = [status or "", "" if minor is None else f"{minor} {self.currency} in minor units"]
        return " ".join(part for part in parts if part) or "nothing"


@dataclass(frozen=True, slots=True)
class BookDifferenceRecord:
    """One row of `book_differences`. *resolved_at*: when it was no longer found."""

    id: str
    found: BookDifference
    first_found_at: datetime
    last_found_at: datetime
    resolved_at: datetime | None
