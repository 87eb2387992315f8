"""Rows in and out: customers, their payment methods, and what is made for them at the provider.

As in `repository.py`, each method is one SQL statement, and whoever decides opens the transaction.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import RowMapping, Select, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from payment_subgraph.customer import Customer, CustomerOperation, CustomerOperationKind, SavedMethod
from payment_subgraph.customer_tables import customer_operations, customers, saved_payment_methods
from payment_subgraph.database import Database, locked_once
from payment_subgraph.operation import OperationState

Row = TypeVar("Row", Customer, SavedMethod, CustomerOperation)

_CUSTOMER: Final = tuple(customers.c[field.name] for field in fields(Customer))
_METHOD: Final = tuple(saved_payment_methods.c[field.name] for field in fields(SavedMethod))
_OPERATION: Final = tuple(customer_operations.c[field.name] for field in fields(CustomerOperation))
_OPEN: Final = customer_operations.c.resolved_at.is_(None)
_KEEPER: Final = saved_payment_methods.join(customers)
_IS_DEFAULT: Final = (customers.c.default_method_id == saved_payment_methods.c.id).label("is_default")


@dataclass(frozen=True, slots=True)
class KeptMethod:
    """A payment method, and whether it is the one its owner pays with by default."""

    method: SavedMethod
    is_default: bool


class CustomerRepository:
    """Sees the customers of one *environment*."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database, self.environment = database, environment

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["CustomerTransaction"]:
        async with self._database.reading() as connection:
            yield CustomerTransaction(connection, self.environment)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator["CustomerTransaction"]:
        async with self._database.writing() as connection:
            yield CustomerTransaction(connection, self.environment)

    # For many at once: one statement each.

    async def methods_of_owners(self, owners: Sequence[str]) -> dict[str, list[KeptMethod]]:
        """What each owner can pay with, the one kept longest first."""
        table = saved_payment_methods.c
        usable = table.removed_at.is_(None) & table.detached_at.is_(None) & customers.c.ended_at.is_(None)
        query = self._kept().where(table.owner_id.in_(owners) & usable)
        found: dict[str, list[KeptMethod]] = defaultdict(list)
        for row in await self._database.rows(query.order_by(table.kept_at, table.created_at, table.id)):
            found[row["owner_id"]].append(_kept_method(row))
        return found

    async def methods_of_provider(self, provider_ids: Sequence[str]) -> dict[str, KeptMethod]:
        """By the provider's ids; also what is no longer kept."""
        named = saved_payment_methods.c.provider_method_id.in_(provider_ids)
        rows = await self._database.rows(self._kept().where(named))
        return {row["provider_method_id"]: _kept_method(row) for row in rows}

    def _kept(self) -> Select[Any]:
        return (
            select(*_METHOD, _IS_DEFAULT)
            .select_from(_KEEPER)
            .where(customers.c.environment == self.environment)
        )


class CustomerTransaction:
    """What can be asked and written inside one open transaction."""

    def __init__(self, connection: AsyncConnection, environment: str) -> None:
        self._connection, self._environment = connection, environment

    # Customers. Every change is made under the row's lock.

    async def customer(self, customer_id: str, *, lock: bool = False) -> Customer:
        """*lock* holds the row until the transaction ends (SQLite: the whole database, since its BEGIN)."""
        query = select(*_CUSTOMER).where(customers.c.id == customer_id)
        found = _one(Customer, await self._first(query.with_for_update() if lock else query))
        if found is None:
            raise LookupError(customer_id)
        return found

    async def customer_of(self, owner_id: str) -> Customer | None:
        owned = (customers.c.owner_id == owner_id) & (customers.c.environment == self._environment)
        return await self._customer_where(owned & customers.c.ended_at.is_(None))

    async def customer_named(self, customer_id: str) -> Customer | None:
        return await self._customer_where(customers.c.id == customer_id)

    async def customer_of_provider(self, provider_customer_id: str) -> Customer | None:
        return await self._customer_where(customers.c.provider_customer_id == provider_customer_id)

    async def add_customer(self, customer: Customer) -> None:
        await self._connection.execute(insert(customers).values(_values(customer)))

    async def change_customer(self, customer: Customer, now: datetime) -> Customer:
        changed = replace(customer, updated_at=now)
        await self._connection.execute(
            update(customers).where(customers.c.id == customer.id).values(_values(changed))
        )
        return changed

    async def has_customers_to_reread(self, now: datetime) -> bool:
        due = select(customers.c.id).where(customers.c.reread_at <= now).limit(1)
        return await self._first(due) is not None

    async def claim_customers_to_reread(self, now: datetime, lease: timedelta, limit: int) -> list[str]:
        """Ids; each is given to one caller only, who has the time of the lease."""
        due = (
            select(customers.c.id)
            .where(customers.c.reread_at <= now)
            .order_by(customers.c.reread_at)
            .limit(limit)
        )
        claim = update(customers).where(customers.c.id.in_(locked_once(due))).values(reread_at=now + lease)
        return list((await self._connection.execute(claim.returning(customers.c.id))).scalars())

    async def _customer_where(self, condition: Any) -> Customer | None:
        return _one(Customer, await self._first(select(*_CUSTOMER).where(condition)))

    # Payment methods.

    async def methods_of(self, customer_id: str) -> list[SavedMethod]:
        owned = saved_payment_methods.c.customer_id == customer_id
        query = select(*_METHOD).where(owned).order_by(saved_payment_methods.c.id)
        return [SavedMethod(**row) for row in (await self._connection.execute(query)).mappings()]

    async def method(self, name: str) -> SavedMethod | None:
        """By our id or by the provider's."""
        table = saved_payment_methods.c
        named = or_(table.id == name, table.provider_method_id == name)
        query = select(*_METHOD).select_from(_KEEPER)
        here = customers.c.environment == self._environment
        return _one(SavedMethod, await self._first(query.where(named & here)))

    async def add_method(self, method: SavedMethod) -> None:
        await self._connection.execute(insert(saved_payment_methods).values(_values(method)))

    async def change_method(self, method: SavedMethod, now: datetime) -> None:
        """Only under the customer's lock."""
        changed = _values(replace(method, updated_at=now))
        same = saved_payment_methods.c.id == method.id
        await self._connection.execute(update(saved_payment_methods).where(same).values(changed))

    # Operations.

    async def operation(self, operation_id: str) -> CustomerOperation:
        query = select(*_OPERATION).where(customer_operations.c.id == operation_id)
        found = _one(CustomerOperation, await self._first(query))
        if found is None:
            raise LookupError(operation_id)
        return found

    async def open_operation(self, customer_id: str, kind: CustomerOperationKind) -> CustomerOperation | None:
        table = customer_operations.c
        wanted = (table.customer_id == customer_id) & (table.kind == kind) & _OPEN
        return _one(CustomerOperation, await self._first(select(*_OPERATION).where(wanted)))

    async def setups_since(self, owner_id: str, since: datetime) -> list[datetime]:
        """When the owner's setups of that time were begun, oldest first."""
        table = customer_operations.c
        begun = (table.kind == CustomerOperationKind.SETUP) & (table.created_at > since)
        query = select(table.created_at).select_from(customer_operations.join(customers))
        query = query.where((customers.c.owner_id == owner_id) & begun).order_by(table.created_at)
        return list((await self._connection.execute(query)).scalars())

    async def due_operations(self, now: datetime, limit: int) -> list[str]:
        """Only a list of candidates: `change_operation` decides who gets which."""
        table = customer_operations.c
        due = select(table.id).where(_OPEN & (table.due_at <= now)).order_by(table.due_at).limit(limit)
        return list((await self._connection.execute(due)).scalars())

    async def hurry_operations(self, customer_id: str, now: datetime) -> None:
        table = customer_operations.c
        waiting = (table.customer_id == customer_id) & _OPEN & (table.state == OperationState.UNKNOWN)
        await self._connection.execute(update(customer_operations).where(waiting).values(due_at=now))

    async def add_operation(self, operation: CustomerOperation) -> None:
        await self._connection.execute(insert(customer_operations).values(_values(operation)))

    async def change_operation(self, before: CustomerOperation, **changes: Any) -> CustomerOperation | None:
        """Write *changes* if the operation is still open and at the same attempt; None otherwise."""
        return await self._changed(before, customer_operations.c.attempts == before.attempts, changes)

    async def resolve_operation(self, before: CustomerOperation, **changes: Any) -> CustomerOperation | None:
        """Settle it, whichever attempt the proof comes from; None if it was settled before."""
        return await self._changed(before, True, changes)  # noqa: FBT003 - no further condition

    async def _changed(
        self, before: CustomerOperation, condition: Any, changes: dict[str, Any]
    ) -> CustomerOperation | None:
        same = (customer_operations.c.id == before.id) & _OPEN
        statement = update(customer_operations).where(same, condition).values(**changes)
        return _one(CustomerOperation, await self._first(statement.returning(*_OPERATION)))

    async def _first(self, statement: Any) -> RowMapping | None:
        return (await self._connection.execute(statement)).mappings().first()


def _one(kind: type[Row], row: RowMapping | None) -> Row | None:
    return None if row is None else kind(**row)


def _kept_method(row: RowMapping) -> KeptMethod:
    # A customer without a default compares as null.
    return KeptMethod(
        SavedMethod(**{name: row[name] for name in row if name != "is_default"}), bool(row["is_default"])
    )


def _values(record: Customer | SavedMethod | CustomerOperation) -> dict[str, Any]:
    """Column names to values; not `asdict`, which would take the small value objects apart."""
    return {field.name: getattr(record, field.name) for field in fields(record)}
