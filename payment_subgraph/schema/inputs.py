"""The input types; each turns itself into a checked command."""

from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import strawberry
from strawberry import UNSET

from payment_subgraph import commands
from payment_subgraph.commands import RawMoney
from payment_subgraph.currencies import MINOR_DIGITS
from payment_subgraph.cursors import PageRequest, SortField, page_request
from payment_subgraph.errors import BadUserInput
from payment_subgraph.pages import PaymentFilter
from payment_subgraph.payment import CaptureMethod, FinancialStatus, PaymentStatus
from payment_subgraph.refund import RefundReason
from payment_subgraph.schema.scalars import CurrencyCode, DecimalText, Url
from payment_subgraph.schema.values import SortDirection

Word = TypeVar("Word", bound=StrEnum)

_METHOD_ID = "One of the payer's `User.paymentMethods`, or a method of the provider's that nobody keeps."


def given(value: Any) -> Any:
    """None for an argument that was left out. `= null` as its default would show in the schema."""
    return None if value is UNSET else value


def known_currency(code: CurrencyCode) -> str:
    """Raises BadUserInput for a currency that there is not."""
    if code not in MINOR_DIGITS:
        raise BadUserInput("This is not an ISO 4217 currency code.")
    return code


def chosen_words(values: list[Word] | None) -> frozenset[Word] | None:
    """Hashable, so that equal filters load together."""
    return frozenset(values) if given(values) is not None and values is not None else None


@strawberry.input
class MoneyInput:
    amount: DecimalText
    currency: CurrencyCode

    def raw(self) -> RawMoney:
        return self.amount, self.currency


@strawberry.input
class MetadataInput:
    key: str
    value: str


@strawberry.input
class CreatePaymentInput:
    idempotency_key: str
    amount: MoneyInput
    reference: str | None = UNSET
    description: str | None = UNSET
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    payment_method_id: strawberry.ID | None = strawberry.field(default=UNSET, description=_METHOD_ID)
    save_payment_method: bool = strawberry.field(
        default=False,
        description="Keep the method once it has paid, so that `paymentMethodId` can name it in later payments.",
    )
    confirm: bool = strawberry.field(default=False, description="Confirm at once with paymentMethodId.")
    return_url: Url | None = UNSET
    metadata: list[MetadataInput] | None = UNSET
    user_id: strawberry.ID | None = strawberry.field(
        default=UNSET,
        description="Staff and machines only: pay on behalf of this user. A machine has to name one.",
    )

    def command(self, owner_id: str) -> commands.CreatePayment:
        return commands.create_command(
            client_key=self.idempotency_key,
            owner_id=owner_id,
            amount=self.amount.raw(),
            reference=given(self.reference),
            description=given(self.description),
            capture_method=self.capture_method,
            payment_method_id=given(self.payment_method_id),
            save_payment_method=self.save_payment_method,
            confirm=self.confirm,
            return_url=given(self.return_url),
            metadata=[(entry.key, entry.value) for entry in self.metadata or []],
        )


@strawberry.input
class ConfirmPaymentInput:
    idempotency_key: str
    payment_id: strawberry.ID
    payment_method_id: strawberry.ID | None = strawberry.field(default=UNSET, description=_METHOD_ID)
    return_url: Url | None = UNSET

    def command(self) -> commands.ConfirmPayment:
        return commands.confirm_command(
            self.idempotency_key,
            self.payment_id,
            given(self.payment_method_id),
            given(self.return_url),
        )


@strawberry.input
class CapturePaymentInput:
    idempotency_key: str
    payment_id: strawberry.ID
    amount: MoneyInput | None = strawberry.field(
        default=UNSET,
        description="Omit to capture everything capturable. If it is less, the rest is released.",
    )

    def command(self) -> commands.CapturePayment:
        amount = self.amount.raw() if self.amount else None
        return commands.capture_command(self.idempotency_key, self.payment_id, amount)


@strawberry.input
class CancelPaymentInput:
    idempotency_key: str
    payment_id: strawberry.ID
    reason: str | None = UNSET

    def command(self) -> commands.CancelPayment:
        return commands.cancel_command(self.idempotency_key, self.payment_id, given(self.reason))


@strawberry.input
class RefundPaymentInput:
    idempotency_key: str
    payment_id: strawberry.ID
    amount: MoneyInput | None = strawberry.field(
        default=UNSET, description="Omit to refund everything refundable."
    )
    reason: RefundReason = RefundReason.REQUESTED_BY_CUSTOMER
    note: str | None = UNSET

    def command(self) -> commands.RefundPayment:
        amount = self.amount.raw() if self.amount else None
        return commands.refund_command(
            self.idempotency_key, self.payment_id, amount, self.reason, given(self.note)
        )


@strawberry.input(name="PaymentFilter")
class PaymentFilterInput:
    status: list[PaymentStatus] | None = UNSET
    financial_status: list[FinancialStatus] | None = UNSET
    reference: str | None = UNSET
    user_id: strawberry.ID | None = UNSET
    currency: CurrencyCode | None = UNSET
    created_after: datetime | None = UNSET
    created_before: datetime | None = UNSET

    @staticmethod
    def chosen(asked: "PaymentFilterInput | None") -> PaymentFilter:
        if not asked:
            return PaymentFilter()
        return PaymentFilter(
            status=chosen_words(asked.status),
            financial_status=chosen_words(asked.financial_status),
            reference=given(asked.reference),
            owner_id=given(asked.user_id),
            currency=given(asked.currency),
            created_after=given(asked.created_after),
            created_before=given(asked.created_before),
        )


@strawberry.input
class PaymentOrder:
    field: SortField
    direction: SortDirection = SortDirection.DESC

    @staticmethod
    def page(
        asked: "PaymentOrder | None",
        first: int | None,
        after: str | None,
        last: int | None,
        before: str | None,
    ) -> PageRequest:
        field = asked.field if asked else SortField.CREATED_AT
        descending = not asked or asked.direction is SortDirection.DESC
        return page_request(
            first, given(after), given(last), given(before), field=field, descending=descending
        )
