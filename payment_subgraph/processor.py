"""What a payment processor must be able to do. "Modular" means: write one more of these.

ProcessorError
├── Declined         the issuer or provider said no; no money moved
├── Refused          any other definitive no (4xx); nothing was done
├── NotAuthorized    our own credentials were not accepted
├── Busy             try later under the same key (409, 429)
├── OutcomeUnknown   sent, but nobody knows what became of it (timeout, lost connection, 5xx)
└── KeyMisused       the key was used with other parameters: a fault of ours
SignatureInvalid     a webhook that is not the provider's, or too old, or from the future
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from payment_subgraph.book_difference import BookObject
from payment_subgraph.money import Money
from payment_subgraph.observation import DisputeSnapshot, MovementSnapshot, PaymentSnapshot, RefundSnapshot
from payment_subgraph.operation import Operation
from payment_subgraph.payment import Payment
from payment_subgraph.refund import Refund
from payment_subgraph.unreadable import UnreadableObject
from payment_subgraph.vault import Vault

Params = Mapping[str, Any]
"""What will be sent, as it is stored in the operation's row: JSON values only."""


class ProcessorError(Exception):
    """Root of what can go wrong between us and the provider. *request_id* is the provider's, for its support."""

    def __init__(self, message: str, request_id: str | None = None) -> None:
        self.request_id = request_id
        super().__init__(message)


class Declined(ProcessorError):
    """*payment* is the provider's object as the refusal left it, where the answer carried it."""

    def __init__(
        self,
        code: str,
        decline_code: str | None,
        payment: PaymentSnapshot | None,
        request_id: str | None,
        *,
        replayed: bool,
    ) -> None:
        self.code, self.decline_code, self.payment, self.replayed = code, decline_code, payment, replayed
        super().__init__(f"declined: {code} {decline_code or ''}", request_id)


class RefusedFor(StrEnum):
    """Our word for why; OTHER is everything that makes no difference to us."""

    WRONG_STATE = "WRONG_STATE"
    DISPUTED = "DISPUTED"
    NOTHING_LEFT = "NOTHING_LEFT"
    AMOUNT_TOO_SMALL = "AMOUNT_TOO_SMALL"
    AMOUNT_TOO_LARGE = "AMOUNT_TOO_LARGE"
    UNKNOWN_PAYMENT_METHOD = "UNKNOWN_PAYMENT_METHOD"
    OTHER = "OTHER"


class Refused(ProcessorError):
    """*field* names the input of ours that was at fault, if one was; *said* is the provider's own code."""

    def __init__(self, reason: RefusedFor, field: str | None, said: str, request_id: str | None) -> None:
        self.reason, self.field = reason, field
        super().__init__(f"refused: {said}", request_id)


class NotAuthorized(ProcessorError):
    pass


class Busy(ProcessorError):
    pass


class OutcomeUnknown(ProcessorError):
    """*stored* is True after a 5xx: the provider would replay it under the same key."""

    def __init__(self, message: str, request_id: str | None = None, *, stored: bool) -> None:
        self.stored = stored
        super().__init__(message, request_id)


class KeyMisused(ProcessorError):
    pass


class SignatureInvalid(Exception):
    """The message says why, for the log; the sender learns nothing."""


@dataclass(frozen=True, slots=True)
class MethodChoice:
    """What a payment is to be paid with, in the provider's ids; a method that is kept needs its customer named.

    *save*: keep it with the customer once it has paid. *off_session*: the payer is not there to answer their bank.
    """

    method_id: str | None = None
    customer_id: str | None = None
    save: bool = False
    off_session: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx. *replayed*: the provider repeated an earlier answer, so its state may be an old one."""

    provider_payment_id: str
    payment: PaymentSnapshot | None = None
    refund: RefundSnapshot | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A hint that something changed. Nothing in it is believed except where to look.

    *provider_payment_id*, *payment_id* and *environment* are None where the event names none;
    *about_refunds* says that the refunds of that payment are to be read too, *about_disputes* its disputes,
    *about_warnings* the warnings of fraud about it. *about_methods*: it is not about a payment, but about what is
    kept with a customer; *customer_id* is what we wrote on it.
    """

    provider_event_id: str
    type: str
    livemode: bool
    created: int
    payload: Mapping[str, Any]
    provider_payment_id: str | None = None
    payment_id: str | None = None
    environment: str | None = None
    about_refunds: bool = False
    about_disputes: bool = False
    about_warnings: bool = False
    about_methods: bool = False
    provider_customer_id: str | None = None
    customer_id: str | None = None

    @property
    def subject(self) -> str:
        """What is to be read again: one reading answers all events that have it in common."""
        there = self.provider_customer_id if self.about_methods else self.provider_payment_id
        return there or self.provider_event_id


Seen = TypeVar("Seen", PaymentSnapshot, RefundSnapshot)


@dataclass(frozen=True, slots=True)
class Made(Generic[Seen]):
    """One object out of a list of the provider's; *made_at* is by the provider's clock."""

    made_at: datetime
    seen: Seen


Item = TypeVar("Item")
Listed = AsyncIterator[Item | UnreadableObject]
"""What a list of the provider's brings."""


class PaymentProcessor(Protocol):
    """One payment provider. Amounts cross as Money; ids are the provider's own strings.

    Whatever brings a snapshot raises Unreadable for an object whose form is not known; the lists of what was made have
    it as an item instead, so that it does not keep the others away.
    """

    name: str
    """Lower case; also the last part of the address its webhooks come to."""
    signature_header: str
    """The header of a webhook that proves who sent it."""
    version: str
    """The provider's API version new operations are sent with."""
    livemode: bool
    """Whether the credentials move real money."""
    vault: Vault
    """Where payment methods are kept to be used again."""

    async def close(self) -> None: ...

    def accepts(self, money: Money) -> bool:
        """Whether the provider can express exactly this sum."""

    def create_params(
        self, payment: Payment, operation_id: str, choice: MethodChoice, *, confirm: bool
    ) -> Params: ...

    def confirm_params(self, payment: Payment, choice: MethodChoice, return_url: str | None) -> Params: ...

    def capture_params(self, amount: Money) -> Params: ...

    def cancel_params(self, *, abandoned: bool) -> Params:
        """*abandoned*: nobody asked for it; the payer did not come back."""
        ...

    def refund_params(self, payment: Payment, refund: Refund, operation_id: str) -> Params: ...

    async def send(self, operation: Operation, provider_payment_id: str | None) -> Answer:
        """Do what the row says, under its key, parameters and version. Raises ProcessorError."""

    async def fetch_payment(self, provider_payment_id: str) -> PaymentSnapshot: ...

    async def fetch_refunds(self, provider_payment_id: str) -> Sequence[RefundSnapshot]: ...

    async def fetch_disputes(self, provider_payment_id: str) -> Sequence[DisputeSnapshot]: ...

    async def warned_of_fraud(self, provider_payment_id: str) -> bool:
        """Whether the issuer of the card has reported the payment."""

    async def find_payment(self, payment_id: str, since: datetime, until: datetime) -> PaymentSnapshot | None:
        """The provider's object that carries our *payment_id*, among those made in the window."""

    def payments_made(self, since: datetime, until: datetime) -> Listed[Made[PaymentSnapshot]]:
        """Every payment object made in the window, other programs' too; without details of how it was paid."""

    def refunds_made(self, since: datetime, until: datetime) -> Listed[Made[RefundSnapshot]]:
        """Every refund of a payment object, made in the window."""

    def disputes_made(self, since: datetime, until: datetime) -> Listed[DisputeSnapshot]:
        """Every dispute about a payment object, opened in the window."""

    def movements_made(self, since: datetime, until: datetime) -> Listed[MovementSnapshot]:
        """Every balance transaction of a payment object, of its refunds and disputes, made in the window."""

    async def fetch_movement(self, balance_transaction_id: str) -> MovementSnapshot | None:
        """None for one that belongs to no payment object."""

    async def payment_of(self, kind: BookObject, provider_object_id: str) -> str | None:
        """The payment object to which one belongs that could not be read before; None if to none."""

    def events_since(self, since: datetime) -> AsyncIterator[Sequence[ProviderEvent]]:
        """Events the provider has had since then, in pieces that fit into memory, in any order."""

    def verify_event(
        self, body: bytes, signature: str, secrets: Sequence[str], now: datetime
    ) -> ProviderEvent:
        """The event in a webhook's raw body. Raises SignatureInvalid."""

    def read_event(self, payload: Mapping[str, Any]) -> ProviderEvent:
        """The event in a payload that was verified and stored before. Raises ValueError if it is none."""
