# ruff: noqa: ARG002 - the methods of a PaymentProcessor have the arguments that any of them may need
"""Bank transfers as a PaymentProcessor: the payer sends money to an account, and staff say what has come.

There is nobody to ask, so the adapter keeps a journal of what was done, one row a deed; what a transfer amounts to
follows from its rows. A payment waits as an authorized one (REQUIRES_CAPTURE) until `capturePayment` says which sum
arrived; a refund is what staff have sent back by then. The payment's id is what the payer writes on the transfer.

A deed is written once under its key, in one transaction, so a repetition after a lost answer finds it there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NoReturn

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    RowMapping,
    String,
    Table,
    insert,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from payment_subgraph.book_difference import BookObject
from payment_subgraph.column_types import UtcDateTime
from payment_subgraph.customer import Customer, CustomerOperation, MethodSnapshot
from payment_subgraph.database import Database
from payment_subgraph.money import Money
from payment_subgraph.observation import DisputeSnapshot, MovementSnapshot, PaymentSnapshot, RefundSnapshot
from payment_subgraph.operation import Operation, OperationKind
from payment_subgraph.payment import Payment, PaymentStatus
from payment_subgraph.processor import (
    Answer,
    Made,
    MethodChoice,
    NotAuthorized,
    OutcomeUnknown,
    Params,
    ProviderEvent,
    Refused,
    RefusedFor,
    SignatureInvalid,
)
from payment_subgraph.refund import Refund, RefundStatus
from payment_subgraph.vault import SetupSnapshot, Vault

_TABLES: Final = MetaData()
_MAKING_TABLES: Final = 7_210_116  # any number of its own, the same for all who make the table

journal: Final = Table(
    "bank_transfer_journal",
    _TABLES,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("provider_key", String(255), nullable=False, unique=True),
    Column("deed", String(16), nullable=False),
    Column("transfer_id", String(64), nullable=False, index=True),
    Column("refund_id", String(64)),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("written_at", UtcDateTime, nullable=False),
)
"""Append only. Of a CREATE the amount is what is awaited, of a CAPTURE what came, of a REFUND what went back."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """What the rows of one transfer, oldest first, amount to."""

    deeds: Sequence[RowMapping]

    @property
    def id(self) -> str:
        return str(self.deeds[0]["transfer_id"])

    @property
    def awaited(self) -> Money:
        return Money(self.deeds[0]["amount_minor"], self.deeds[0]["currency"])

    @property
    def status(self) -> PaymentStatus:
        if self._of(OperationKind.CAPTURE):
            return PaymentStatus.SUCCEEDED
        return PaymentStatus.CANCELED if self._of(OperationKind.CANCEL) else PaymentStatus.REQUIRES_CAPTURE

    @property
    def arrived(self) -> Money:
        return self._sum(OperationKind.CAPTURE)

    @property
    def left(self) -> int:
        """Minor units that have not been sent back."""
        return self.arrived.minor - self._sum(OperationKind.REFUND).minor

    @property
    def refunds(self) -> list[RowMapping]:
        return self._of(OperationKind.REFUND)

    def _sum(self, deed: OperationKind) -> Money:
        return Money(sum(row["amount_minor"] for row in self._of(deed)), self.awaited.currency)

    def _of(self, deed: OperationKind) -> list[RowMapping]:
        return [row for row in self.deeds if row["deed"] == deed]


class NothingKept:
    """A vault of a processor that has no payment methods.

    What a database has of customers belongs to another processor: it is neither gone nor deleted, so nobody is told
    "refused", which would say so. It is left alone until that processor is asked again.
    """

    keeps_methods = False
    version = "1"

    def customer_params(self, customer: Customer) -> Params:
        raise NotAuthorized(_ANOTHERS)

    def setup_params(self, customer: Customer, operation_id: str) -> Params:
        raise NotAuthorized(_ANOTHERS)

    async def make(self, operation: CustomerOperation) -> str:
        raise NotAuthorized(_ANOTHERS)

    async def find(
        self, operation: CustomerOperation, customer: Customer, since: datetime, until: datetime
    ) -> str | None:
        raise NotAuthorized(_ANOTHERS)

    async def fetch_setup(self, provider_setup_id: str) -> SetupSnapshot:
        raise NotAuthorized(_ANOTHERS)

    async def fetch_methods(self, provider_customer_id: str) -> Sequence[MethodSnapshot] | None:
        raise NotAuthorized(_ANOTHERS)

    async def detach(self, provider_method_id: str) -> None:
        raise NotAuthorized(_ANOTHERS)

    async def delete_customer(self, provider_customer_id: str) -> None:
        raise NotAuthorized(_ANOTHERS)


_ANOTHERS: Final = "this is kept with another processor"


class BankTransferProcessor:
    """Keeps its journal in the database at *database_url*, in a table that it makes itself."""

    name = "bank_transfer"
    signature_header = ""
    version = "1"
    livemode = True

    def __init__(self, database_url: str, *, environment: str, clock: Callable[[], datetime]) -> None:
        self.vault: Vault = NothingKept()
        self._database = Database(database_url)
        self._environment, self._clock = environment, clock
        self._has_table = False
        self._making_table = asyncio.Lock()

    async def close(self) -> None:
        await self._database.close()

    def accepts(self, money: Money) -> bool:
        return money.minor > 0

    def create_params(
        self, payment: Payment, operation_id: str, choice: MethodChoice, *, confirm: bool
    ) -> Params:
        return {"transfer_id": _transfer_id(payment.id), "method": choice.method_id, **_sum(payment.amount)}

    def confirm_params(self, payment: Payment, choice: MethodChoice, return_url: str | None) -> Params:
        return {}

    def capture_params(self, amount: Money) -> Params:
        return _sum(amount)

    def cancel_params(self, *, abandoned: bool) -> Params:
        return {}

    def refund_params(self, payment: Payment, refund: Refund, operation_id: str) -> Params:
        return {"refund_id": refund.id, **_sum(payment.money(refund.amount_minor))}

    async def send(self, operation: Operation, provider_payment_id: str | None) -> Answer:
        transfer_id = provider_payment_id or str(operation.params["transfer_id"])
        async with self._writing() as connection:
            transfer = await _transfer(connection, transfer_id)
            if written := _under(operation.provider_key, transfer):
                return self._answer(transfer, written, replayed=True)
            _require_allowed(operation, transfer)
            await connection.execute(insert(journal).values(self._deed(operation, transfer_id, transfer)))
            transfer = await _transfer(connection, transfer_id)
        return self._answer(transfer, transfer.deeds[-1], replayed=False)

    async def fetch_payment(self, provider_payment_id: str) -> PaymentSnapshot:
        return self._snapshot(await self._read(provider_payment_id))

    async def fetch_refunds(self, provider_payment_id: str) -> Sequence[RefundSnapshot]:
        transfer = await self._read(provider_payment_id)
        return [_refund_snapshot(row) for row in transfer.refunds]

    async def fetch_disputes(self, provider_payment_id: str) -> Sequence[DisputeSnapshot]:
        return []

    async def warned_of_fraud(self, provider_payment_id: str) -> bool:
        return False

    async def find_payment(self, payment_id: str, since: datetime, until: datetime) -> PaymentSnapshot | None:
        async with self._writing() as connection:
            transfer = await _transfer(connection, _transfer_id(payment_id))
        return self._snapshot(transfer) if transfer.deeds else None

    async def payments_made(self, since: datetime, until: datetime) -> AsyncIterator[Made[PaymentSnapshot]]:
        for row in await self._written(OperationKind.CREATE, since, until):
            yield Made(row["written_at"], await self.fetch_payment(row["transfer_id"]))

    async def refunds_made(self, since: datetime, until: datetime) -> AsyncIterator[Made[RefundSnapshot]]:
        for row in await self._written(OperationKind.REFUND, since, until):
            yield Made(row["written_at"], _refund_snapshot(row))

    async def disputes_made(self, since: datetime, until: datetime) -> AsyncIterator[DisputeSnapshot]:
        none: Sequence[DisputeSnapshot] = ()
        for one in none:
            yield one

    async def movements_made(self, since: datetime, until: datetime) -> AsyncIterator[MovementSnapshot]:
        """A bank's transfers arrive whole: there is no balance that the processor holds."""
        none: Sequence[MovementSnapshot] = ()
        for one in none:
            yield one

    async def fetch_movement(self, balance_transaction_id: str) -> MovementSnapshot | None:
        return None

    async def payment_of(self, kind: BookObject, provider_object_id: str) -> str | None:
        """The journal has no form but its own: nothing of it was ever unreadable."""
        return None

    async def events_since(self, since: datetime) -> AsyncIterator[Sequence[ProviderEvent]]:
        none: Sequence[Sequence[ProviderEvent]] = ()
        for page in none:
            yield page

    def verify_event(
        self, body: bytes, signature: str, secrets: Sequence[str], now: datetime
    ) -> ProviderEvent:
        raise SignatureInvalid("banks send no webhooks")

    def read_event(self, payload: Mapping[str, Any]) -> ProviderEvent:
        raise ValueError("banks send no webhooks")

    async def _written(self, deed: OperationKind, since: datetime, until: datetime) -> Sequence[RowMapping]:
        within = (journal.c.written_at >= since) & (journal.c.written_at < until)
        query = select(journal).where(journal.c.deed == deed.value, within).order_by(journal.c.seq)
        async with self._writing() as connection:
            return (await connection.execute(query)).mappings().all()

    async def _read(self, transfer_id: str) -> Transfer:
        async with self._writing() as connection:
            transfer = await _transfer(connection, transfer_id)
        if not transfer.deeds:
            raise Refused(RefusedFor.OTHER, None, f"no transfer {transfer_id}", None)
        return transfer

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        """Whatever breaks in here may have been committed or not: only another try under the same key tells."""
        try:
            await self._make_table()
            async with self._database.writing() as connection:
                yield connection
        except DBAPIError as broken:
            raise OutcomeUnknown(f"the journal failed: {type(broken).__name__}", stored=False) from broken

    async def _make_table(self) -> None:
        async with self._making_table:
            if not self._has_table:
                async with self._database.writing() as connection:
                    await connection.run_sync(_make_table)
                self._has_table = True

    def _deed(self, operation: Operation, transfer_id: str, transfer: Transfer) -> dict[str, Any]:
        asked = operation.params
        return {
            "provider_key": operation.provider_key,
            "deed": operation.kind.value,
            "transfer_id": transfer_id,
            "refund_id": asked.get("refund_id"),
            "amount_minor": asked.get("amount_minor", 0),
            "currency": asked.get("currency") or transfer.awaited.currency,
            "written_at": self._clock(),
        }

    def _answer(self, transfer: Transfer, deed: RowMapping, *, replayed: bool) -> Answer:
        if deed["deed"] == OperationKind.REFUND:
            return Answer(transfer.id, refund=_refund_snapshot(deed), replayed=replayed)
        return Answer(transfer.id, payment=self._snapshot(transfer), replayed=replayed)

    def _snapshot(self, transfer: Transfer) -> PaymentSnapshot:
        waiting = transfer.status is PaymentStatus.REQUIRES_CAPTURE
        return PaymentSnapshot(
            provider_payment_id=transfer.id,
            status=transfer.status,
            amount=transfer.awaited,
            captured=transfer.arrived,
            capturable=transfer.awaited if waiting else Money(0, transfer.awaited.currency),
            payment_id=transfer.id.removeprefix(_PREFIX),
            environment=self._environment,
        )


_PREFIX: Final = "transfer_of_"


def _transfer_id(payment_id: str) -> str:
    return _PREFIX + payment_id


def _sum(money: Money) -> dict[str, Any]:
    return {"amount_minor": money.minor, "currency": money.currency}


def _make_table(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # two may look at once and both find none
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MAKING_TABLES})
    _TABLES.create_all(connection)


async def _transfer(connection: AsyncConnection, transfer_id: str) -> Transfer:
    """Its first row is locked until the transaction ends: deeds on one transfer come one after the other."""
    of_it = select(journal).where(journal.c.transfer_id == transfer_id).order_by(journal.c.seq)
    await connection.execute(of_it.limit(1).with_for_update())
    return Transfer((await connection.execute(of_it)).mappings().all())


def _under(key: str, transfer: Transfer) -> RowMapping | None:
    return next((row for row in transfer.deeds if row["provider_key"] == key), None)


def _require_allowed(operation: Operation, transfer: Transfer) -> None:
    """Raises Refused."""
    match operation.kind:
        case OperationKind.CREATE:
            if operation.params["method"] is not None:
                _refuse(RefusedFor.UNKNOWN_PAYMENT_METHOD, "paymentMethodId", "a transfer needs no method")
        case OperationKind.CAPTURE | OperationKind.CANCEL:
            _require_awaited(transfer, operation.params.get("amount_minor", 0))
        case OperationKind.CONFIRM:
            _refuse(RefusedFor.WRONG_STATE, None, "a transfer is not confirmed")
        case OperationKind.REFUND:
            if operation.params["amount_minor"] > transfer.left:
                _refuse(RefusedFor.NOTHING_LEFT, "amount", "more than is left")


def _require_awaited(transfer: Transfer, minor: int) -> None:
    if transfer.status is not PaymentStatus.REQUIRES_CAPTURE:
        _refuse(RefusedFor.WRONG_STATE, None, f"the transfer is {transfer.status}")
    if minor > transfer.awaited.minor:
        _refuse(RefusedFor.AMOUNT_TOO_LARGE, "amount", "more than is awaited")


def _refuse(reason: RefusedFor, field: str | None, why: str) -> NoReturn:
    raise Refused(reason, field, why, None)


def _refund_snapshot(row: RowMapping) -> RefundSnapshot:
    return RefundSnapshot(
        provider_refund_id=f"sent_back_{row['refund_id']}",
        provider_payment_id=row["transfer_id"],
        status=RefundStatus.SUCCEEDED,
        amount=Money(row["amount_minor"], row["currency"]),
        refund_id=row["refund_id"],
    )
