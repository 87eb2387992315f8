"""Mutations: translate the input, let the use case work, translate what came of it."""

import logging
from collections.abc import Awaitable
from typing import Annotated, cast

import strawberry

from payment_subgraph.errors import Forbidden, NotFound, Refusal
from payment_subgraph.schema.access import scoped
from payment_subgraph.schema.context import Info
from payment_subgraph.schema.errors import (
    DuplicatePaymentError,
    IdempotencyConflictError,
    InvalidPaymentStateError,
    NotFoundError,
    PaymentDeclinedError,
    PaymentDisputedError,
    PaymentProviderError,
    RefundExceedsAvailableError,
    ValidationError,
    error_type,
)
from payment_subgraph.schema.inputs import (
    CancelPaymentInput,
    CapturePaymentInput,
    ConfirmPaymentInput,
    CreatePaymentInput,
    RefundPaymentInput,
)
from payment_subgraph.schema.method_mutations import MethodMutations
from payment_subgraph.schema.outbox_message import OutboxMessage
from payment_subgraph.schema.payment import Payment, PaymentOperation, Refund
from payment_subgraph.schema.webhook_event import WebhookEvent
from payment_subgraph.use_cases import Outcome
from payment_subgraph.viewer import MANAGE_WEBHOOKS, REFUND, WRITE, WRITE_ANY

log = logging.getLogger(__name__)

RETRY_AFTER_S = 5
_SYNC = (
    "Reads the payment and its refunds at the provider now, instead of waiting for a webhook or the next reading. "
    "It sends nothing, so it needs no key."
)
_REPLAY = (
    "Has a stored webhook worked on once more, whatever came of it before. It is answered as it waits for that; a moment "
    "later `webhookEvents` tells what came of it. No harm is done by replaying an event that has been worked on."
)
_REPLAY_MESSAGE = (
    "Has a message sent once more, under the same `webhook-id`: a receiver that has dealt with it drops it. It is "
    "answered as it waits for that; a moment later `outboxMessages` tells what came of it."
)
_REPLAYED = "True when this answer was stored by an earlier call with the same key."


@strawberry.type
class PaymentSuccess:
    payment: Payment
    operation: PaymentOperation
    replayed: bool = strawberry.field(description=_REPLAYED)


@strawberry.type
class SyncSuccess:
    payment: Payment


@strawberry.type
class ReplaySuccess:
    webhook_event: WebhookEvent


@strawberry.type
class ReplayOutboxSuccess:
    outbox_message: OutboxMessage


@strawberry.type
class RefundSuccess:
    refund: Refund
    payment: Payment
    operation: PaymentOperation
    replayed: bool


@strawberry.type(
    description=(
        "Accepted, outcome not known yet (provider timeout). Not an error: subscribe to `paymentUpdated(paymentId:)`, or "
        "ask `payment(id:)` every `retryAfterSeconds`, until its `pendingOperations` are empty; or send the mutation "
        "again with the same key. With another key it could be done twice."
    )
)
class OperationPending:
    payment: Payment
    operation: PaymentOperation
    retry_after_seconds: int


CreatePaymentResult = Annotated[
    PaymentSuccess
    | OperationPending
    | ValidationError
    | PaymentDeclinedError
    | IdempotencyConflictError
    | DuplicatePaymentError
    | PaymentProviderError,
    strawberry.union("CreatePaymentResult"),
]
ConfirmPaymentResult = Annotated[
    PaymentSuccess
    | OperationPending
    | ValidationError
    | NotFoundError
    | PaymentDeclinedError
    | InvalidPaymentStateError
    | IdempotencyConflictError
    | PaymentProviderError,
    strawberry.union("ConfirmPaymentResult"),
]
CapturePaymentResult = Annotated[
    PaymentSuccess
    | OperationPending
    | ValidationError
    | NotFoundError
    | InvalidPaymentStateError
    | IdempotencyConflictError
    | PaymentProviderError,
    strawberry.union("CapturePaymentResult"),
]
CancelPaymentResult = Annotated[
    PaymentSuccess
    | OperationPending
    | ValidationError
    | NotFoundError
    | InvalidPaymentStateError
    | IdempotencyConflictError
    | PaymentProviderError,
    strawberry.union("CancelPaymentResult"),
]
RefundPaymentResult = Annotated[
    RefundSuccess
    | OperationPending
    | ValidationError
    | NotFoundError
    | RefundExceedsAvailableError
    | PaymentDisputedError
    | InvalidPaymentStateError
    | IdempotencyConflictError
    | PaymentProviderError,
    strawberry.union("RefundPaymentResult"),
]

SyncPaymentResult = Annotated[
    SyncSuccess | NotFoundError | PaymentProviderError, strawberry.union("SyncPaymentResult")
]

ReplayResult = Annotated[ReplaySuccess | NotFoundError, strawberry.union("ReplayResult")]
ReplayOutboxResult = Annotated[ReplayOutboxSuccess | NotFoundError, strawberry.union("ReplayOutboxResult")]


@strawberry.type
class Mutation(MethodMutations):
    @scoped(WRITE)
    async def create_payment(self, info: Info, input: CreatePaymentInput) -> CreatePaymentResult | None:  # noqa: A002
        viewer, use_cases = info.context.viewer, info.context.use_cases
        owner_id = input.user_id or viewer.payer_id
        if not viewer.may_write(owner_id):
            raise Forbidden(WRITE_ANY)

        async def work() -> Outcome:
            return await use_cases.create_payment(viewer, input.command(owner_id))

        return cast("CreatePaymentResult", await _answered(info, work()))

    @scoped(WRITE)
    async def confirm_payment(self, info: Info, input: ConfirmPaymentInput) -> ConfirmPaymentResult | None:  # noqa: A002
        viewer, use_cases = info.context.viewer, info.context.use_cases

        async def work() -> Outcome:
            return await use_cases.confirm_payment(viewer, input.command())

        return cast("ConfirmPaymentResult", await _answered(info, work()))

    @scoped(WRITE_ANY)
    async def capture_payment(self, info: Info, input: CapturePaymentInput) -> CapturePaymentResult | None:  # noqa: A002
        viewer, use_cases = info.context.viewer, info.context.use_cases

        async def work() -> Outcome:
            return await use_cases.capture_payment(viewer, input.command())

        return cast("CapturePaymentResult", await _answered(info, work()))

    @scoped(WRITE)
    async def cancel_payment(self, info: Info, input: CancelPaymentInput) -> CancelPaymentResult | None:  # noqa: A002
        viewer, use_cases = info.context.viewer, info.context.use_cases

        async def work() -> Outcome:
            return await use_cases.cancel_payment(viewer, input.command())

        return cast("CancelPaymentResult", await _answered(info, work()))

    @scoped(REFUND)
    async def refund_payment(self, info: Info, input: RefundPaymentInput) -> RefundPaymentResult | None:  # noqa: A002
        viewer, use_cases = info.context.viewer, info.context.use_cases

        async def work() -> Outcome:
            return await use_cases.refund_payment(viewer, input.command())

        return cast("RefundPaymentResult", await _answered(info, work()))

    @scoped(WRITE_ANY, description=_SYNC)
    async def sync_payment(self, info: Info, id: strawberry.ID) -> SyncPaymentResult | None:  # noqa: A002
        viewer = info.context.viewer
        info.context.forget()
        try:
            payment = await info.context.syncing.sync_payment(viewer, id)
        except Refusal as refusal:
            return cast("SyncPaymentResult", error_type(refusal, viewer))
        return SyncSuccess(payment=Payment.of(payment, viewer))

    @scoped(MANAGE_WEBHOOKS, description=_REPLAY)
    async def replay_webhook_event(self, info: Info, id: strawberry.ID) -> ReplayResult | None:  # noqa: A002
        viewer, use_cases = info.context.viewer, info.context.use_cases
        try:
            record = await use_cases.replay_webhook_event(viewer, id)
        except Refusal as refusal:
            return cast("ReplayResult", error_type(refusal, viewer))
        return ReplaySuccess(webhook_event=WebhookEvent.of(record))

    @scoped(MANAGE_WEBHOOKS, description=_REPLAY_MESSAGE)
    async def replay_outbox_message(self, info: Info, id: strawberry.ID) -> ReplayOutboxResult | None:  # noqa: A002
        viewer, outbox = info.context.viewer, info.context.outbox
        record = await outbox.replay(id)
        if record is None:
            return cast("ReplayOutboxResult", error_type(NotFound(id, "outbox message"), viewer))
        log.info("message %s is to be sent again: %s asked", record.id, viewer.user_id)
        return ReplayOutboxSuccess(outbox_message=OutboxMessage.of(record))


async def _answered(info: Info, work: Awaitable[Outcome]) -> object:
    """The union member for what came of *work*; what was loaded before it is loaded again."""
    info.context.forget()
    viewer = info.context.viewer
    try:
        outcome = await work
    except Refusal as refusal:
        return error_type(refusal, viewer)
    payment, operation = Payment.of(outcome.payment, viewer), PaymentOperation.of(outcome.operation)
    if not outcome.operation.resolved:
        return OperationPending(payment=payment, operation=operation, retry_after_seconds=RETRY_AFTER_S)
    if outcome.refund is not None:
        refund = Refund.of(outcome.refund, outcome.payment)
        return RefundSuccess(refund=refund, payment=payment, operation=operation, replayed=outcome.replayed)
    return PaymentSuccess(payment=payment, operation=operation, replayed=outcome.replayed)
