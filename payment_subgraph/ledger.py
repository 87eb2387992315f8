"""The double-entry ledger: what a change of a payment, a refund or a dispute posts, and what a balance transaction. Pure.

A posting moves one sum from the credited account to the debited one, as two entries that add up to zero.
It follows from the difference between a row before and after a change, and only the transaction that writes
the change writes the posting (`refresh.py`). Its key is the changed row's id and the version the change
gives it: a version is written once, so its posting is. A balance transaction is written once under the
provider's id, and so are its postings.

Changes of payments and refunds tell what is owed to us, balance transactions what has come: both meet on
STRIPE_CLEARING, where nothing is left of what has come whole. See docs/decisions/0017.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from payment_subgraph.balance import BalanceTransaction, MovementKind
from payment_subgraph.dispute import Dispute
from payment_subgraph.money import Money
from payment_subgraph.payment import Payment
from payment_subgraph.refund import Refund, RefundStatus


class Account(StrEnum):
    """In the order of a payment's life.

    PAYMENTS_RECEIVED: what payers have paid us. STRIPE_CLEARING: what is under way between that and the
    provider's balance. STRIPE_BALANCE: what the provider holds for us, to the cent. STRIPE_FEES: what it keeps.
    STRIPE_EXCHANGE: what was exchanged into the currency it settles in. DISPUTES_HELD: what banks have taken
    back while they decide. CHARGEBACK_LOSSES: what of it is lost.
    """

    STRIPE_CLEARING = "stripe_clearing"
    PAYMENTS_RECEIVED = "payments_received"
    STRIPE_BALANCE = "stripe_balance"
    STRIPE_FEES = "stripe_fees"
    STRIPE_EXCHANGE = "stripe_exchange"
    DISPUTES_HELD = "disputes_held"
    CHARGEBACK_LOSSES = "chargeback_losses"


class PostingKind(StrEnum):
    """What a posting is about. One that takes back another is of the same kind, its sides exchanged."""

    CAPTURE = "CAPTURE"
    REFUND = "REFUND"
    FEE = "FEE"
    DISPUTE = "DISPUTE"
    CHARGEBACK = "CHARGEBACK"
    EXCHANGE = "EXCHANGE"
    SETTLEMENT = "SETTLEMENT"


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
    yield from _moved(
        Posting(key, kind, payment_id, Account.STRIPE_CLEARING, Account.PAYMENTS_RECEIVED, amount)
    )


def _moved(posting: Posting) -> Iterator[Posting]:
    """Nothing for a zero; for a negative amount the sides are exchanged."""
    amount = posting.amount
    if amount.minor > 0:
        yield posting
    elif amount.minor < 0:
        yield replace(posting, debit=posting.credit, credit=posting.debit, amount=amount.negative())


def balance_postings(payment: Payment, new: Iterable[BalanceTransaction]) -> list[Posting]:
    """What balance transactions post that were not known before."""
    made = (
        part for one in new for part in (_fee(payment, one), *_brought(payment, one), _settled(payment, one))
    )
    return [posting for part in made for posting in _moved(part)]


def _fee(payment: Payment, one: BalanceTransaction) -> Posting:
    fee = Money(one.fee_minor, one.currency)
    return Posting(
        f"{one.id}:fee", PostingKind.FEE, payment.id, Account.STRIPE_FEES, Account.STRIPE_CLEARING, fee
    )


def _brought(payment: Payment, one: BalanceTransaction) -> Iterator[Posting]:
    """What a bank takes, and otherwise what was exchanged on the way, in both currencies."""
    amount, clearing = Money(one.amount_minor, one.currency), Account.STRIPE_CLEARING
    if one.kind is MovementKind.DISPUTE:
        key, kind = f"{one.id}:dispute", PostingKind.DISPUTE
        yield Posting(key, kind, payment.id, clearing, Account.DISPUTES_HELD, amount)
    elif one.currency != payment.currency:
        given, kind, exchange = (
            payment.money(one.payment_minor or 0),
            PostingKind.EXCHANGE,
            Account.STRIPE_EXCHANGE,
        )
        yield Posting(f"{one.id}:from", kind, payment.id, exchange, clearing, given)
        yield Posting(f"{one.id}:into", kind, payment.id, clearing, exchange, amount)


def _settled(payment: Payment, one: BalanceTransaction) -> Posting:
    net, balance = Money(one.net_minor, one.currency), Account.STRIPE_BALANCE
    return Posting(f"{one.id}:net", PostingKind.SETTLEMENT, payment.id, balance, Account.STRIPE_CLEARING, net)


DisputeChange = tuple[Dispute | None, Dispute]
"""Before and after; None before, if the dispute is new here."""


def chargeback_postings(disputes: Iterable[DisputeChange]) -> list[Posting]:
    """What a written change of disputes posts: money that will not come back, or that came back after all."""
    return [posting for change in disputes for posting in _charged_back(*change)]


def _charged_back(before: Dispute | None, after: Dispute) -> Iterator[Posting]:
    currency = after.held_currency
    more = after.lost_minor - (before.lost_minor if before else 0)
    if currency is None:
        return
    key = f"{after.id}:{before.version + 1 if before else after.version}"
    losses, held = Account.CHARGEBACK_LOSSES, Account.DISPUTES_HELD
    yield from _moved(
        Posting(key, PostingKind.CHARGEBACK, after.payment_id, losses, held, Money(more, currency))
    )


def off_from_provider(ours: Mapping[str, int], theirs: Mapping[str, int]) -> dict[str, int]:
    """By currency, how much more STRIPE_BALANCE holds than the provider says; empty if to the cent the same.

    *ours* as `Books.provider_balances` gives it, *theirs* the sums of `net` of all balance transactions that
    belong to payments of ours.
    """
    off = {
        currency: ours.get(currency, 0) - theirs.get(currency, 0) for currency in ours.keys() | theirs.keys()
    }
    return {currency: minor for currency, minor in off.items() if minor != 0}


class DifferenceCause(StrEnum):
    """MISSING: the ledger has nothing of it. UNEXPECTED: only the ledger has it. OTHER_AMOUNT: both, not alike."""

    MISSING = "MISSING"
    UNEXPECTED = "UNEXPECTED"
    OTHER_AMOUNT = "OTHER_AMOUNT"


@dataclass(frozen=True, slots=True)
class Sums:
    """What one payment amounts to, in minor units of one currency: a sum for each kind of posting.

    As STRIPE_CLEARING shows it, its sign apart; *chargeback* as CHARGEBACK_LOSSES does.
    """

    capture: int = 0
    refund: int = 0
    fee: int = 0
    dispute: int = 0
    chargeback: int = 0
    exchange: int = 0
    settlement: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """*expected*: by the rows of the payment and what belongs to it. *posted*: by the ledger."""

    payment_id: str
    kind: PostingKind
    cause: DifferenceCause
    expected: Money
    posted: Money


def differences(payment_id: str, currency: str, expected: Sums, posted: Sums) -> list[Difference]:
    pairs = (
        (PostingKind[field.name.upper()], getattr(expected, field.name), getattr(posted, field.name))
        for field in fields(Sums)
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
