"""Each mutant takes one mechanism out of the real code, as systems that are in use do without it.

The names are those of the design's model (part 5.6); `forget_refusals` came later (ADR 24). A mutant is applied for the length of a `with` block; the
checkers must find it, or they are worth nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Any, Final, Never
from unittest.mock import patch

from sqlalchemy import delete

from payment_subgraph import operations as operations_module
from payment_subgraph import refresh as refresh_module
from payment_subgraph import sending as sending_module
from payment_subgraph import use_cases as use_cases_module
from payment_subgraph.closing import Closing
from payment_subgraph.commands import RefundPayment
from payment_subgraph.heeding import Heard, Heeding
from payment_subgraph.inbox_event import InboxEvent, InboxState
from payment_subgraph.ledger import Account, Posting, PostingKind
from payment_subgraph.operation import Operation, OperationKind, Rejection, RejectionKind, Step
from payment_subgraph.processor import OutcomeUnknown, ProcessorError, ProviderEvent
from payment_subgraph.reading import Basis, Reading
from payment_subgraph.refresh import Errand
from payment_subgraph.refusals import refusal_of
from payment_subgraph.repository import Cause, Transaction
from payment_subgraph.sending import Sending
from payment_subgraph.stripe_objects import payment_snapshot, refund_snapshot
from payment_subgraph.stripe_processor import StripeProcessor
from payment_subgraph.tables import payment_operations, refunds
from payment_subgraph.use_cases import Outcome, UseCases
from payment_subgraph.verdicts import Judge, Verdict, judge_after_refusal
from payment_subgraph.viewer import Viewer

Mutant = Callable[[], AbstractContextManager[object]]


@contextmanager
def write_after() -> Iterator[None]:
    """The refund is sent to Stripe first, and written down when its answer is there."""
    in_order = UseCases.refund_payment

    async def refund_payment(self: UseCases, viewer: Viewer, command: RefundPayment) -> Outcome:
        async with self.repository.reading() as rows:
            payment = await rows.payment(command.payment_id)
            assert payment is not None
            known = await rows.operation_of_key(str(viewer.user_id), OperationKind.REFUND, command.client_key)
        refund = use_cases_module._new_refund(payment, command, self.clock())
        sent = self._refund_operation(viewer, payment, refund, command)
        if use_cases_module._what_forbids(self.processor, payment, refund, command):
            return await in_order(self, viewer, command)
        if known is None:
            with suppress(ProcessorError):
                await self.processor.send(sent, payment.provider_payment_id)

        async def write(rows: Transaction) -> tuple[Operation, bool]:
            """The rows as the real code makes them, for the same refund and under the same key at Stripe."""
            payment = await rows.payment(command.payment_id, lock=True)
            assert payment is not None
            if stored := await use_cases_module._stored(rows, sent):
                return stored, True
            pending = payment.amount_refund_pending + refund.amount_minor
            cause = Cause("REQUEST", sent.id)
            await rows.add_refund(refund, cause)
            reserved = replace(payment, amount_refund_pending=pending)
            await rows.change_payment(payment, reserved, cause, self.clock())
            await rows.add_operation(sent)
            return sent, False

        return await self._carry_out(write)

    with patch.object(UseCases, "refund_payment", refund_payment):
        yield


@contextmanager
def delete_on_error() -> Iterator[None]:
    """A refund that was not answered is forgotten, row and reservation."""
    leave_open = Closing.leave_open

    async def forget(self: Closing, operation: Operation, **how: Any) -> None:
        if operation.kind is not OperationKind.REFUND:
            await leave_open(self, operation, **how)
            return
        async with self.repository.writing() as rows:
            payment = await rows.payment(operation.payment_id, lock=True)
            refund = await rows.refund(operation.refund_id or "")
            if payment is None or refund is None or refund.provider_refund_id is not None:
                return
            execute = rows._connection.execute
            await execute(delete(payment_operations).where(payment_operations.c.id == operation.id))
            await execute(delete(refunds).where(refunds.c.id == refund.id))
            pending = payment.amount_refund_pending - refund.amount_minor
            after = replace(payment, amount_refund_pending=pending)
            await rows.change_payment(payment, after, Cause("ANSWER", operation.id), self.clock())

    with patch.object(Closing, "leave_open", forget):
        yield


@contextmanager
def check_then_act() -> Iterator[None]:
    """Whether there is enough to refund is looked up first; nothing holds the payment until the refund is written."""
    carry_out = UseCases.refund_payment

    async def refund_payment(self: UseCases, viewer: Viewer, command: RefundPayment) -> Outcome:
        async with self.repository.reading() as rows:
            payment = await rows.payment(command.payment_id)
            assert payment is not None
            known = await rows.operation_of_key(str(viewer.user_id), OperationKind.REFUND, command.client_key)
        if known is None:
            refund = use_cases_module._new_refund(payment, command, self.clock())
            looked[command.client_key] = what_forbids(self.processor, payment, refund, command)
        return await carry_out(self, viewer, command)

    what_forbids = use_cases_module._what_forbids
    looked: dict[str, RejectionKind | None] = {}

    def as_looked_up(_processor: Any, _payment: Any, _refund: Any, command: RefundPayment) -> Any:
        return looked[command.client_key]

    with (
        patch.object(UseCases, "refund_payment", refund_payment),
        patch.object(use_cases_module, "_what_forbids", as_looked_up),
    ):
        yield


@contextmanager
def random_key() -> Iterator[None]:
    """Each try has a key of its own."""
    send, numbers = StripeProcessor.send, count()

    async def send_anew(self: StripeProcessor, operation: Operation, intent: str | None) -> Any:
        return await send(self, replace(operation, provider_key=f"random-{next(numbers)}"), intent)

    with patch.object(StripeProcessor, "send", send_anew):
        yield


def _believing(believes: Callable[[InboxEvent], bool]) -> AbstractContextManager[object]:
    """Webhooks whose payload is written as it is, instead of the object being read again."""

    async def believe(self: Heeding, event: InboxEvent, hint: ProviderEvent) -> InboxState:
        payment = await self._known(hint.provider_payment_id) if hint.provider_payment_id else None
        if payment is None or not event.type.startswith(("payment_intent.", "refund.")):
            return InboxState.IGNORED
        subject = event.payload["data"]["object"]
        if believes(event):
            about_intent = event.type.startswith("payment_intent.")
            snapshot = payment_snapshot(subject, self.clock()) if about_intent else None
            refund = () if about_intent else (refund_snapshot(subject),)
            basis: Basis = await self.refresh.basis(payment.id)
            cause = Cause("WEBHOOK", event.provider_event_id)
            errand = Errand(payment.id, str(hint.provider_payment_id), cause)
            await self.refresh(errand, Reading(basis, snapshot, refund))
        async with self.repository.writing() as rows:
            await rows.hurry_operations(payment.id, self.clock())
        return InboxState.PROCESSED

    async def apply(self: Heeding, heard: Sequence[Heard]) -> list[tuple[InboxEvent, InboxState]]:
        return [(event, await believe(self, event, hint)) for event, hint in heard]

    return patch.object(Heeding, "_apply", apply)


@contextmanager
def payload_lww() -> Iterator[None]:
    """What a webhook says is written; the last one wins."""
    with _believing(lambda _event: True):
        yield


@contextmanager
def payload_ts() -> Iterator[None]:
    """What a webhook says is written, unless one about the same object was created later, or in the same second."""
    newest: dict[str, int] = {}

    def is_newer(event: InboxEvent) -> bool:
        name, created = event.payload["data"]["object"]["id"], int(event.payload["created"])
        if created <= newest.get(name, 0):
            return False
        newest[name] = created
        return True

    with _believing(is_newer):
        yield


@contextmanager
def refetch_no_cas() -> Iterator[None]:
    """The object is read again, but written whether or not somebody wrote a newer reading meanwhile."""
    with patch.object(refresh_module, "is_outdated", lambda *_: False):
        yield


@contextmanager
def effect_on_event() -> Iterator[None]:
    """What was collected is posted whenever an event tells of it, not when a row changes."""
    apply = Heeding._apply

    async def post_one(self: Heeding, event: InboxEvent, hint: ProviderEvent) -> None:
        payment = await self._known(hint.provider_payment_id) if hint.provider_payment_id else None
        if payment is not None and event.type in {"payment_intent.succeeded", "charge.captured"}:
            money = payment.money(payment.amount_captured)
            key = f"{payment.id}:{event.provider_event_id}"
            sides = Account.STRIPE_CLEARING, Account.PAYMENTS_RECEIVED
            posting = Posting(key, PostingKind.CAPTURE, payment.id, *sides, money)
            async with self.repository.writing() as rows:
                await rows.post([posting], self.clock())

    async def post_too(self: Heeding, heard: Sequence[Heard]) -> list[tuple[InboxEvent, InboxState]]:
        states = await apply(self, heard)
        for event, hint in heard:
            await post_one(self, event, hint)
        return states

    with patch.object(Heeding, "_apply", post_too):
        yield


@contextmanager
def repost_after_24h() -> Iterator[None]:
    """Sent again however old it is, though Stripe has forgotten the key."""

    def step(operation: Operation, *_: Any) -> Step:
        return Step.LOOK if operation.must_look else Step.SEND

    with patch.object(operations_module, "next_step", step):
        yield


@contextmanager
def same_key_after_500() -> Iterator[None]:
    """Sent again under the key whose answer is a 500 for ever."""
    with patch.object(operations_module, "next_step", lambda *_: Step.SEND):
        yield


@contextmanager
def new_key_after_500() -> Iterator[None]:
    """After a failure of Stripe's the key is changed, so that the 500 is not repeated."""
    leave_open, numbers = Closing.leave_open, count()

    async def rotate(
        self: Closing, operation: Operation, *, must_look: bool | None = None, **how: Any
    ) -> None:
        await leave_open(self, operation, must_look=False, **how)
        if must_look:
            async with self.repository.writing() as rows:
                await rows.change_operation(
                    operation, provider_key=f"{operation.provider_key}:{next(numbers)}"
                )

    with patch.object(Closing, "leave_open", rotate):
        yield


@contextmanager
def reject_500_at_once() -> Iterator[None]:
    """A 500 is told as a failure, though Stripe may have done it, or do it yet."""
    not_done = Sending._not_done

    async def give_up(self: Sending, operation: Operation, said: ProcessorError, basis: Basis) -> None:
        if isinstance(said, OutcomeUnknown) and said.stored:
            failed = Rejection(RejectionKind.PROVIDER, code="failed", retryable=True)
            await self.closing.reject(operation, failed, "ANSWER")
        else:
            await not_done(self, operation, said, basis)

    with patch.object(Sending, "_not_done", give_up):
        yield


@contextmanager
def trust_error() -> Iterator[None]:
    """A cancel that is refused because of the payment's state counts as one that was carried out before."""

    def judge(operation: Operation, rejection: Rejection) -> Judge:
        if operation.kind is OperationKind.CANCEL:
            return lambda *_: Verdict()
        return judge_after_refusal(operation, rejection)

    with patch.object(sending_module, "judge_after_refusal", judge):
        yield


@contextmanager
def forget_refusals() -> Iterator[None]:
    """What the payment's state forbids is told, and not kept: a request with the same key that comes later may do it."""

    async def tell(rows: Transaction, operation: Operation, why: Rejection) -> Never:
        payment = await rows.payment(operation.payment_id)
        assert payment is not None
        raise refusal_of(why, payment)

    with patch.object(use_cases_module, "_refused", tell):
        yield


MUTANTS: Final[dict[str, Mutant]] = {
    mutant.__name__: mutant
    for mutant in (
        write_after,
        delete_on_error,
        check_then_act,
        random_key,
        payload_lww,
        payload_ts,
        refetch_no_cas,
        effect_on_event,
        repost_after_24h,
        same_key_after_500,
        new_key_after_500,
        reject_500_at_once,
        trust_error,
        forget_refusals,
    )
}
