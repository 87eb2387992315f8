"""What `ledgerCheck` answers."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Self, TypeVar, cast

import strawberry

from payment_subgraph import ledger
from payment_subgraph.books import MAX_DIFFERENT, Books
from payment_subgraph.ledger import DifferenceCause, PostingKind
from payment_subgraph.money import Money as Sum
from payment_subgraph.schema.values import Money

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


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


def _field(description: str) -> Callable[[Resolver], Resolver]:
    """`strawberry.field` as a decorator that mypy can follow."""
    return cast("Callable[[Resolver], Resolver]", strawberry.field(description=description))


@strawberry.type(description="Only `accounts` is quick: the rest compares every payment and every entry.")
class LedgerCheck:
    books: strawberry.Private[Books]
    currency: strawberry.Private[str]
    found: strawberry.Private[asyncio.Future[list[ledger.Difference]] | None] = None

    @_field("The entries of every transaction add up to zero.")
    async def balanced(self) -> bool:
        return await self.books.balanced(self.currency)

    @_field("There are no `differences`.")
    async def matches_payments(self) -> bool:
        return not await self._different()

    @_field("`accounts` and `paymentReport` add up to what they are made of.")
    async def matches_totals(self) -> bool:
        return not await self.books.wrong_totals(self.currency)

    @strawberry.field
    async def accounts(self) -> list[LedgerAccountBalance]:
        balances = await self.books.balances(self.currency)
        return [
            LedgerAccountBalance(account=account.value, balance=Money.of(Sum(minor, self.currency)))
            for account, minor in balances.items()
        ]

    @_field(f"Of the first {MAX_DIFFERENT} payments that have any.")
    async def differences(self) -> list[LedgerDifference]:
        return [LedgerDifference.of(one) for one in await self._different()]

    @strawberry.field
    def checked_at(self) -> datetime:
        return self.books.clock()

    async def _different(self) -> list[ledger.Difference]:
        """Asked for by two fields, looked for once."""
        if self.found is None:
            self.found = asyncio.ensure_future(self.books.differences(self.currency))
        return await self.found
