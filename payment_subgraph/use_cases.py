"""What a client can ask for: create, confirm, capture, cancel, refund a payment; replay a webhook.

The worker asks too, for what is done of our own accord.

Each of the first writes its intention first (one operation row with everything that will be sent), then lets
`operations.py` carry it out, and gives back how things stand. No provider is called in here.
"""

import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import IntegrityError

from payment_subgraph.commands import (
    CancelPayment,
    CapturePayment,
    Command,
    ConfirmPayment,
    CreatePayment,
    RefundPayment,
    request_hash,
)
from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.dispute import worst
from payment_subgraph.errors import (
    IdempotencyConflict,
    InvalidInput,
    InvalidPaymentState,
    NotFound,
    Unauthenticated,
)
from payment_subgraph.flaw import Flaw
from payment_subgraph.ids import new_operation_id, new_payment_id, new_refund_id
from payment_subgraph.inbox import Inbox
from payment_subgraph.inbox_event import EventRecord
from payment_subgraph.method_choice import MethodChoices
from payment_subgraph.money import Money
from payment_subgraph.operation import (
    PAYING,
    Operation,
    OperationKind,
    OperationState,
    Rejection,
    RejectionKind,
)
from payment_subgraph.operations import Operations
from payment_subgraph.payment import Payment, PaymentAction, PaymentStatus, available_actions
from payment_subgraph.processor import MethodChoice, Params, PaymentProcessor
from payment_subgraph.refund import Refund
from payment_subgraph.refusals import METHOD_MISSING, refusal_of
from payment_subgraph.repository import Cause, Repository, Transaction
from payment_subgraph.viewer import SYSTEM, Viewer

log = logging.getLogger(__name__)

_KINDS: Final[dict[type[Command], OperationKind]] = {
    CreatePayment: OperationKind.CREATE,
    ConfirmPayment: OperationKind.CONFIRM,
    CapturePayment: OperationKind.CAPTURE,
    CancelPayment: OperationKind.CANCEL,
    RefundPayment: OperationKind.REFUND,
}

_RUNS: Final = 4

Written = tuple[Operation, bool]
"""The operation's row, and whether it was there before this call."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How things stand when the caller is answered. *operation* may still be open: nothing is known yet.

    *replayed*: the operation was there before this call.
    """

    payment: Payment
    operation: Operation
    refund: Refund | None
    replayed: bool


@dataclass(frozen=True, slots=True)
class UseCases:
    """Every method raises the Refusals of its mutation. The scope was checked at the field, ownership is here."""

    repository: Repository
    processor: PaymentProcessor
    operations: Operations
    inbox: Inbox
    clock: Callable[[], datetime]
    choices: MethodChoices

    async def create_payment(self, viewer: Viewer, command: CreatePayment) -> Outcome:
        if not self.processor.accepts(command.amount):
            raise InvalidInput(
                Flaw(("amount", "amount"), "NOT_CHARGEABLE", "This exact sum cannot be charged.")
            )
        began = self.clock()
        choice = await self._chosen(viewer, command)
        payment = _new_payment(command, self.clock())
        operation_id = new_operation_id()
        params = self.processor.create_params(payment, operation_id, choice, confirm=command.confirm)
        operation = self._operation(viewer, payment, command, params, operation_id)

        async def write(rows: Transaction) -> Written:
            if stored := await _stored(rows, operation):
                return stored, True
            if duplicate := await _live_duplicate(rows, payment):
                # Between the two looks another request with this key may have committed: PostgreSQL shows it.
                if stored := await _stored(rows, operation):
                    return stored, True
                about = replace(operation, payment_id=duplicate.id)
                return await _refused(rows, about, Rejection(RejectionKind.DUPLICATE))
            await rows.add_payment(payment, _asked(operation))
            await rows.add_operation(operation)
            return operation, False

        return await self._carry_out(write, spent=self.clock() - began)

    async def confirm_payment(self, viewer: Viewer, command: ConfirmPayment) -> Outcome:
        choice = await self._chosen_now(viewer, command)

        async def write(rows: Transaction) -> Written:
            payment = await _writable(rows, viewer, command.payment_id)
            params = self.processor.confirm_params(payment, choice, command.return_url)
            operation = self._operation(viewer, payment, command, params)
            if stored := await _stored(rows, operation):
                return stored, True
            if not _allows(payment, PaymentAction.CONFIRM) or await _is_under_way(rows, payment, PAYING):
                return await _refused(rows, operation, Rejection(RejectionKind.INVALID_STATE))
            if command.payment_method_id is None and payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD:
                return await _refused(rows, operation, METHOD_MISSING)
            await rows.add_operation(operation)
            return operation, False

        return await self._carry_out(write)

    async def capture_payment(self, viewer: Viewer, command: CapturePayment) -> Outcome:
        async def write(rows: Transaction) -> Written:
            payment = await _writable(rows, viewer, command.payment_id)
            operation = self._operation(viewer, payment, command, {})
            if stored := await _stored(rows, operation):
                return stored, True
            capturing = {OperationKind.CAPTURE}
            if not _allows(payment, PaymentAction.CAPTURE) or await _is_under_way(rows, payment, capturing):
                return await _refused(rows, operation, Rejection(RejectionKind.INVALID_STATE))
            wanted = _to_capture(self.processor, payment, command)
            params = self.processor.capture_params(wanted)
            await rows.add_operation(replace(operation, params=params, amount_minor=wanted.minor))
            return operation, False

        return await self._carry_out(write)

    async def cancel_payment(self, viewer: Viewer, command: CancelPayment) -> Outcome:
        return await self._cancel(viewer, command, self.processor.cancel_params(abandoned=False))

    async def cancel_abandoned(self, payment: Payment) -> Outcome:
        """In nobody's name, unless somebody is paying just now.

        However often it is asked of the payment as it stands, it is the same operation.
        """
        command = CancelPayment(f"abandoned:{payment.id}:{payment.version}", payment.id)
        params = self.processor.cancel_params(abandoned=True)
        return await self._cancel(SYSTEM, command, params, never_beside=PAYING)

    async def _cancel(
        self,
        viewer: Viewer,
        command: CancelPayment,
        params: Params,
        never_beside: Collection[OperationKind] = (),
    ) -> Outcome:
        async def write(rows: Transaction) -> Written:
            payment = await _writable(rows, viewer, command.payment_id)
            operation = self._operation(viewer, payment, command, params)
            if stored := await _stored(rows, operation):
                return stored, True
            if not _allows(payment, PaymentAction.CANCEL) or await _is_under_way(rows, payment, never_beside):
                if viewer is SYSTEM:  # nobody was told anything, and it will be asked again
                    raise InvalidPaymentState(payment)
                return await _refused(rows, operation, Rejection(RejectionKind.INVALID_STATE))
            await rows.add_operation(replace(operation, note=command.reason))
            return operation, False

        return await self._carry_out(write)

    async def refund_payment(self, viewer: Viewer, command: RefundPayment) -> Outcome:
        """The amount is reserved under the payment's row lock, before the provider hears of it."""

        async def write(rows: Transaction) -> Written:
            payment = await rows.payment(command.payment_id, lock=True)
            if payment is None:
                raise NotFound(command.payment_id)
            now = self.clock()
            refund = _new_refund(payment, command, now)
            operation = self._refund_operation(viewer, payment, refund, command)
            if stored := await _stored(rows, operation):
                return stored, True
            if forbidden := _what_forbids(self.processor, payment, refund, command):
                return await _refused(rows, operation, Rejection(forbidden))
            pending = payment.amount_refund_pending + refund.amount_minor
            reserved = replace(payment, amount_refund_pending=pending)
            await rows.add_refund(refund, _asked(operation))
            await rows.change_payment(payment, reserved, _asked(operation), now)
            await rows.add_operation(operation)
            return operation, False

        return await self._carry_out(write)

    async def replay_webhook_event(self, viewer: Viewer, event_id: str) -> EventRecord:
        """The event as it waits for the worker now."""
        record = await self.inbox.replay(event_id, self.clock())
        if record is None:
            raise NotFound(event_id, "webhook event")
        log.info("event %s is to be worked on again: %s asked", record.provider_event_id, viewer.user_id)
        return record

    async def _chosen(self, viewer: Viewer, command: CreatePayment) -> MethodChoice:
        nothing = command.payment_method_id is None and not command.save_payment_method
        if nothing or await self._is_known(viewer, command):
            return MethodChoice()
        return await self.choices.to_pay(
            command.owner_id,
            command.payment_method_id,
            save=command.save_payment_method,
            absent=command.confirm and viewer.user_id != command.owner_id,
        )

    async def _chosen_now(self, viewer: Viewer, command: ConfirmPayment) -> MethodChoice:
        async with self.repository.reading() as rows:
            payment = await _writable(rows, viewer, command.payment_id, lock=False)
        if await self._is_known(viewer, command):
            return MethodChoice()
        absent, attached = viewer.user_id != payment.owner_id, payment.payment_method
        if command.payment_method_id is None and attached is not None:
            return await self.choices.attached(attached.id, absent=absent)
        return await self.choices.to_pay(payment.owner_id, command.payment_method_id, absent=absent)

    async def _is_known(self, viewer: Viewer, command: Command) -> bool:
        """Whether the key was used before: what is sent then was written down, whatever has become of the method."""
        async with self.repository.reading() as rows:
            kind = _KINDS[type(command)]
            return await rows.operation_of_key(viewer.user_id or "", kind, command.client_key) is not None

    async def _carry_out(
        self, write: Callable[[Transaction], Awaitable[Written]], spent: timedelta = timedelta(0)
    ) -> Outcome:
        """T1, then all the rest; raises the typed error of a rejected operation."""
        operation, replayed = await self._write_once(write)
        operation = await self.operations.answer(operation.id, spent)
        async with self.repository.reading() as rows:
            payment = await rows.payment(operation.payment_id)
            refund = await rows.refund(operation.refund_id) if operation.refund_id else None
            dispute = worst(await rows.disputes_of(operation.payment_id)) if operation.result else None
        if payment is None:
            raise LookupError(operation.payment_id)
        if operation.result is not None:
            raise refusal_of(operation.result, payment, dispute, replayed=replayed)
        return Outcome(payment, operation, refund, replayed)

    async def _write_once(self, write: Callable[[Transaction], Awaitable[Written]]) -> Written:
        """On PostgreSQL another call with the same key or reference may commit between look and write.

        The constraint then stops us, and the next run sees the other's rows: first that of the reference, then that of the key.
        """
        for _ in range(_RUNS - 1):
            with suppress(IntegrityError):
                return await self._write(write)
        return await self._write(write)

    async def _write(self, write: Callable[[Transaction], Awaitable[Written]]) -> Written:
        async with self.repository.writing() as rows:
            written = await write(rows)
            crash_point(CrashPoint.T1_WRITTEN, written[0].kind)
        crash_point(CrashPoint.T1_COMMITTED, written[0].kind)
        return written

    def _refund_operation(
        self, viewer: Viewer, payment: Payment, refund: Refund, command: RefundPayment
    ) -> Operation:
        operation_id = new_operation_id()
        expressible = refund.amount_minor > 0 and self.processor.accepts(payment.money(refund.amount_minor))
        params = self.processor.refund_params(payment, refund, operation_id) if expressible else {}
        operation = self._operation(viewer, payment, command, params, operation_id)
        key = f"{refund.id}:refund"
        return replace(operation, refund_id=refund.id, amount_minor=refund.amount_minor, provider_key=key)

    def _operation(
        self,
        viewer: Viewer,
        payment: Payment,
        command: Command,
        params: Params,
        operation_id: str | None = None,
    ) -> Operation:
        """The provider key names the kind: keys are per account there, not per endpoint."""
        if viewer.user_id is None:
            raise Unauthenticated
        now, operation_id = self.clock(), operation_id or new_operation_id()
        kind = _KINDS[type(command)]
        subject = payment.id if kind is OperationKind.CREATE else operation_id
        return Operation(
            id=operation_id,
            payment_id=payment.id,
            kind=kind,
            actor_id=viewer.user_id,
            client_key=command.client_key,
            request_hash=request_hash(command),
            provider_key=f"{subject}:{kind.lower()}",
            params=params,
            provider_version=self.processor.version,
            amount_minor=payment.amount_minor if kind is OperationKind.CREATE else None,
            currency=payment.currency,
            created_at=now,
            due_at=now,
        )


def _new_payment(command: CreatePayment, now: datetime) -> Payment:
    return Payment(
        id=new_payment_id(),
        owner_id=command.owner_id,
        amount_minor=command.amount.minor,
        currency=command.amount.currency,
        reference=command.reference,
        description=command.description,
        capture_method=command.capture_method,
        return_url=command.return_url,
        metadata=command.metadata,
        created_at=now,
        updated_at=now,
    )


def _asked(operation: Operation) -> Cause:
    return Cause("REQUEST", operation.id)


def _new_refund(payment: Payment, command: RefundPayment, now: datetime) -> Refund:
    wanted = command.amount or payment.refundable
    return Refund(
        id=new_refund_id(),
        payment_id=payment.id,
        amount_minor=wanted.minor,
        reason=command.reason,
        note=command.note,
        created_at=now,
        updated_at=now,
    )


async def _stored(rows: Transaction, operation: Operation) -> Operation | None:
    """The operation written by an earlier call with this key."""
    stored = await rows.operation_of_key(operation.actor_id, operation.kind, operation.client_key)
    if stored is not None and stored.request_hash != operation.request_hash:
        raise IdempotencyConflict(stored)
    return stored


async def _live_duplicate(rows: Transaction, payment: Payment) -> Payment | None:
    if payment.owner_id is None or payment.reference is None:
        return None
    return await rows.live_payment(payment.owner_id, payment.reference)


async def _writable(rows: Transaction, viewer: Viewer, payment_id: str, *, lock: bool = True) -> Payment:
    payment = await rows.payment(payment_id, lock=lock)
    if payment is None or not viewer.may_write(payment.owner_id):
        raise NotFound(payment_id)
    return payment


async def _refused(rows: Transaction, operation: Operation, why: Rejection) -> Written:
    """What the payment's state forbids stays forbidden under its key, though the state may change.

    Another request with this key may still be on its way: it must not do what this one was told is not done (ADR 24).
    """
    kept = replace(
        operation,
        refund_id=None,
        params={},
        state=OperationState.REJECTED,
        result=why,
        resolved_at=operation.created_at,
    )
    await rows.add_operation(kept)
    return kept, False


def _allows(payment: Payment, action: PaymentAction) -> bool:
    return action in available_actions(payment)


async def _is_under_way(rows: Transaction, payment: Payment, kinds: Collection[OperationKind]) -> bool:
    """While the outcome of one is unknown, a second attempt to pay could charge twice.

    And of two captures of different sums nobody could tell which one was carried out.
    """
    return any(operation.kind in kinds for operation in await rows.open_operations(payment.id))


def _require_currency(payment: Payment, wanted: Money) -> None:
    if wanted.currency != payment.currency:
        flaw = Flaw(
            ("amount", "currency"), "CURRENCY_MISMATCH", f"The payment was made in {payment.currency}."
        )
        raise InvalidInput(flaw)


def _to_capture(processor: PaymentProcessor, payment: Payment, command: CapturePayment) -> Money:
    """The sum that *command* means. Raises InvalidInput."""
    most = payment.capturable
    wanted = command.amount or most
    _require_currency(payment, wanted)
    if wanted.minor > most.minor:
        told = f"At most {most.amount:f} {most.currency} can be captured."
        raise InvalidInput(Flaw(("amount", "amount"), "AMOUNT_TOO_LARGE", told))
    if not processor.accepts(wanted):
        raise InvalidInput(Flaw(("amount", "amount"), "NOT_CHARGEABLE", "This exact sum cannot be captured."))
    return wanted


def _what_forbids(
    processor: PaymentProcessor, payment: Payment, refund: Refund, command: RefundPayment
) -> RejectionKind | None:
    """None: *refund* may be made. Raises InvalidInput for a sum that no state would allow."""
    wanted = Money(refund.amount_minor, command.amount.currency if command.amount else payment.currency)
    _require_currency(payment, wanted)
    if payment.refund_blocked:
        return RejectionKind.DISPUTED
    if payment.status is not PaymentStatus.SUCCEEDED or payment.frozen_reason is not None:
        return RejectionKind.INVALID_STATE
    if not 0 < wanted.minor <= payment.refundable.minor:
        return RejectionKind.REFUND_EXCEEDS
    if not processor.accepts(wanted):
        raise InvalidInput(Flaw(("amount", "amount"), "NOT_CHARGEABLE", "This exact sum cannot be refunded."))
    return None
