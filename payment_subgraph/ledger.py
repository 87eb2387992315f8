"""The double-entry ledger: what a change of a payment or a refund posts. Pure.

A posting moves one sum from the credited account to the debited one, as two entries that add up to zero.
It follows from the difference between a row before and after a change, and only the transaction that writes
the change writes the posting (`refresh.py`). Its key is the changed row's id and the version the change
gives it: a version is written once, so its posting is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from payment_subgraph.money import Money
from payment_subgraph.payment import Payment
from payment_subgraph.refund import Refund, RefundStatus


class Account(StrEnum):
    """STRIPE_CLEARING: what the provider holds for us. PAYMENTS_RECEIVED: what payers have paid us.

    STRIPE_FEES: what the provider took for itself. DISPUTES_HELD: what was withdrawn while a dispute is open.
    CHARGEBACK_LOSSES: what lost disputes cost. STRIPE_EXCHANGE: sums on their way into another currency.
    """

    STRIPE_CLEARING = "stripe_clearing"
    PAYMENTS_RECEIVED = "payments_received"
    STRIPE_FEES = "stripe_fees"
    DISPUTES_HELD = "disputes_held"
    CHARGEBACK_LOSSES = "chargeback_losses"
    STRIPE_EXCHANGE = "stripe_exchange"


class PostingKind(StrEnum):
    """What a posting is about. One that takes back another is of the same kind, its sides exchanged."""

    CAPTURE = "CAPTURE"
    REFUND = "REFUND"
    FEE = "FEE"
    DISPUTE = "DISPUTE"
    CHARGEBACK = "CHARGEBACK"
    EXCHANGE = "EXCHANGE"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of `ledger_entries`. *amount_minor* is positive on the debit side, negative on the credit side.

    *txn_id* is common to the entries that add up to zero; *posting_key* is no other entry's.
    """

    txn_id: str
    posting_key: str
    kind: PostingKind
    payment_id: str
    account: Account
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Posting:
    """*amount* is positive."""

    key: str
    kind: PostingKind
    payment_id: str
    debit: Account
    credit: Account
    amount: Money

    def entries(self) -> tuple[Entry, Entry]:
        return self._entry(self.debit, self.amount.minor), self._entry(self.credit, -self.amount.minor)

    def _entry(self, account: Account, minor: int) -> Entry:
        key = f"{self.key}:{account}"
        return Entry(self.key, key, self.kind, self.payment_id, account, minor, self.amount.currency)


RefundChange = tuple[Refund | None, Refund]
"""Before and after; None before, if the refund was made elsewhere and is new here."""


def postings(before: Payment, after: Payment, refunds: Iterable[RefundChange]) -> list[Posting]:
    """What a written change of a payment and some of its refunds posts; empty if no money moved."""
    return [*_captured(before, after), *(one for change in refunds for one in _refunded(after, *change))]


def _captured(before: Payment, after: Payment) -> Iterator[Posting]:
    """By amounts and not by status: a sum may be collected in parts."""
    more = after.amount_captured - before.amount_captured
    key = f"{after.id}:{before.version + 1}"
    yield from _into_clearing(key, PostingKind.CAPTURE, after.id, after.money(more))


def _refunded(payment: Payment, before: Refund | None, after: Refund) -> Iterator[Posting]:
    """Leaving SUCCEEDED, in whichever direction, takes the posting back: the money did not reach the payer."""
    more = _paid_back(after) - (_paid_back(before) if before else 0)
    key = f"{after.id}:{before.version + 1 if before else after.version}"
    yield from _into_clearing(key, PostingKind.REFUND, payment.id, payment.money(-more))


def _paid_back(refund: Refund) -> int:
    return refund.amount_minor if refund.status is RefundStatus.SUCCEEDED else 0


def _into_clearing(key: str, kind: PostingKind, payment_id: str, amount: Money) -> Iterator[Posting]:
    """Of a negative *amount*, out of it."""
    clearing, received = Account.STRIPE_CLEARING, Account.PAYMENTS_RECEIVED
    if amount.minor > 0:
        yield Posting(key, kind, payment_id, clearing, received, amount)
    elif amount.minor < 0:
        yield Posting(key, kind, payment_id, received, clearing, Money(-amount.minor, amount.currency))


@dataclass(frozen=True, slots=True)
class Sums:
    """What one payment amounts to, in minor units of one currency."""

    captured: int
    refunded: int


def catching_up(payment: Payment, posted: Sums) -> list[Posting]:
    """What brings the ledger to the payment's row, where changes of it were not posted.

    A sum that was captured never gets less: what the ledger has too much of that is no missing posting.
    The keys name what was posted until then, so that each step is written once.
    """
    captured = payment.amount_captured - posted.captured
    refunded = payment.amount_refunded - posted.refunded
    key = f"{payment.id}:{payment.version}"
    clearing = (
        (f"{key}:capture:{posted.captured}", PostingKind.CAPTURE, max(captured, 0)),
        (f"{key}:refund:{posted.refunded}", PostingKind.REFUND, -refunded),
    )
    return [
        posting
        for name, kind, minor in clearing
        for posting in _into_clearing(name, kind, payment.id, payment.money(minor))
    ]


class DifferenceCause(StrEnum):
    """MISSING: the ledger has nothing of it. UNEXPECTED: only the ledger has it. OTHER_AMOUNT: both, not alike."""

    MISSING = "MISSING"
    UNEXPECTED = "UNEXPECTED"
    OTHER_AMOUNT = "OTHER_AMOUNT"


@dataclass(frozen=True, slots=True)
class Difference:
    """*expected*: by the payment's row. *posted*: by the ledger."""

    payment_id: str
    kind: PostingKind
    cause: DifferenceCause
    expected: Money
    posted: Money


def differences(payment_id: str, currency: str, expected: Sums, posted: Sums) -> list[Difference]:
    pairs = (
        (PostingKind.CAPTURE, expected.captured, posted.captured),
        (PostingKind.REFUND, expected.refunded, posted.refunded),
    )
    return [
        Difference(payment_id, kind, _cause(row, book), Money(row, currency), Money(book, currency))
        for kind, row, book in pairs
        if row != book
    ]


def _cause(expected: int, posted: int) -> DifferenceCause:
    if posted == 0:
        return DifferenceCause.MISSING
    return DifferenceCause.UNEXPECTED if expected == 0 else DifferenceCause.OTHER_AMOUNT
