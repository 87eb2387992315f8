"""What `ledgerCheck` answers."""

from datetime import datetime
from typing import Self

import strawberry

from payment_subgraph import ledger
from payment_subgraph.books import MAX_DIFFERENT, Books
from payment_subgraph.ledger import DifferenceCause, PostingKind
from payment_subgraph.money import Money as Sum
from payment_subgraph.schema.values import Money


@strawberry.type
class LedgerAccountBalance:
    account: str
    balance: Money = strawberry.field(description="Debits less credits.")


@strawberry.type(description="Something that a payment and the ledger do not say alike.")
class LedgerDifference:
    payment_id: strawberry.ID
    kind: PostingKind
    cause: DifferenceCause
    expected: Money = strawberry.field(description="What the payment says.")
    posted: Money = strawberry.field(description="What the ledger says.")

    @classmethod
    def of(cls, found: ledger.Difference) -> Self:
        return cls(
            payment_id=strawberry.ID(found.payment_id),
            kind=found.kind,
            cause=found.cause,
            expected=Money.of(found.expected),
            posted=Money.of(found.posted),
        )


@strawberry.type
class LedgerCheck:
    balanced: bool = strawberry.field(description="The entries of every transaction add up to zero.")
    matches_payments: bool = strawberry.field(description="There are no `differences`.")
    accounts: list[LedgerAccountBalance]
    differences: list[LedgerDifference] = strawberry.field(
        description=f"Of the first {MAX_DIFFERENT} payments that have any."
    )
    checked_at: datetime

    @classmethod
    async def of(cls, books: Books, currency: str) -> Self:
        balances = await books.balances(currency)
        found = await books.differences(currency)
        return cls(
            balanced=await books.balanced(currency),
            matches_payments=not found,
            accounts=[
                LedgerAccountBalance(account=account.value, balance=Money.of(Sum(minor, currency)))
                for account, minor in balances.items()
            ],
            differences=[LedgerDifference.of(one) for one in found],
            checked_at=books.clock(),
        )
