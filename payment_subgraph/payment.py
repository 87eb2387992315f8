"""What a payment is, and the rules that need nothing but the payment. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from payment_subgraph.dispute import BLOCKING, DisputeStanding
from payment_subgraph.money import Money


class PaymentStatus(StrEnum):
    """Where collecting the money stands. Mirrors the provider's intent, plus CREATED and FAILED of our own."""

    CREATED = "CREATED"
    REQUIRES_PAYMENT_METHOD = "REQUIRES_PAYMENT_METHOD"
    REQUIRES_CONFIRMATION = "REQUIRES_CONFIRMATION"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    PROCESSING = "PROCESSING"
    REQUIRES_CAPTURE = "REQUIRES_CAPTURE"
    SUCCEEDED = "SUCCEEDED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"


class FinancialStatus(StrEnum):
    """Derived from amounts; never stored."""

    UNPAID = "UNPAID"
    AUTHORIZED = "AUTHORIZED"
    PAID = "PAID"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"
    CHARGED_BACK = "CHARGED_BACK"
    VOIDED = "VOIDED"


class PaymentSource(StrEnum):
    """API: asked for here. EXTERNAL: made elsewhere, e.g. in the provider's dashboard."""

    API = "API"
    EXTERNAL = "EXTERNAL"


class CaptureMethod(StrEnum):
    AUTOMATIC = "AUTOMATIC"
    MANUAL = "MANUAL"


class PaymentAction(StrEnum):
    CONFIRM = "CONFIRM"
    CAPTURE = "CAPTURE"
    CANCEL = "CANCEL"
    REFUND = "REFUND"


class MethodType(StrEnum):
    CARD = "CARD"
    BANK_DEBIT = "BANK_DEBIT"
    WALLET = "WALLET"
    OTHER = "OTHER"


class NextActionType(StrEnum):
    COLLECT_PAYMENT_METHOD = "COLLECT_PAYMENT_METHOD"
    REDIRECT = "REDIRECT"
    USE_SDK = "USE_SDK"
    WAIT = "WAIT"


class RiskLevel(StrEnum):
    """How the provider rates the attempt that paid; of REVIEW and FRAUD_WARNING people are to be told.

    The later word is the worse. REVIEW: somebody was asked to look at the payment. FRAUD_WARNING: the card's
    issuer has reported fraud.
    """

    NORMAL = "NORMAL"
    ELEVATED = "ELEVATED"
    HIGHEST = "HIGHEST"
    REVIEW = "REVIEW"
    FRAUD_WARNING = "FRAUD_WARNING"


FLAGGED: Final = (RiskLevel.REVIEW, RiskLevel.FRAUD_WARNING)
"""Levels that a payment never falls from, the lesser first."""

SETTLED: Final = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED, PaymentStatus.FAILED})
"""Nothing more can be collected."""

CONFIRMABLE: Final = frozenset({PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.REQUIRES_CONFIRMATION})


@dataclass(frozen=True, slots=True)
class MethodDetails:
    """What the payer paid with, as far as it may be shown."""

    id: str
    type: MethodType
    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    reusable: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the last attempt to pay failed, or why the payment was never made.

    *code* is the provider's word in lower case, or one of ours (`refusals.py`) in upper case.
    *decline_code* is the issuer's, where it gave one. *attempt_id*: the provider's id of the attempt, where it had one.
    """

    code: str
    decline_code: str | None
    occurred_at: datetime
    attempt_id: str | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """One row of `payments`. Amounts are minor units of *currency*. Nobody here owns what was made elsewhere.

    *version* counts the changes. *readings* counts the readings of the provider's object that were
    taken in, also those that changed nothing: see refresh.py. *frozen_reason* is set when the provider
    contradicted us (other amount, a settled payment reopened, one given up found after its reference
    went to another): such a payment takes no command and no change any more until a person has looked
    at it.

    *amount_disputed* and *dispute_standing* tell of its disputes (`dispute.py`); None without any.
    *watched* says that the provider will have more to say though the payment is settled: a dispute is open,
    or money has not reached the balance yet.
    """

    id: str
    owner_id: str | None
    amount_minor: int
    currency: str
    created_at: datetime
    updated_at: datetime
    status: PaymentStatus = PaymentStatus.CREATED
    source: PaymentSource = PaymentSource.API
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    reference: str | None = None
    description: str | None = None
    return_url: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    provider_payment_id: str | None = None
    client_secret: str | None = None
    redirect_url: str | None = None
    payment_method: MethodDetails | None = None
    last_error: Failure | None = None
    amount_capturable: int = 0
    amount_captured: int = 0
    amount_refunded: int = 0
    amount_refund_pending: int = 0
    amount_disputed: int = 0
    dispute_standing: DisputeStanding | None = None
    risk_level: RiskLevel | None = None
    watched: bool = False
    frozen_reason: str | None = None
    succeeded_at: datetime | None = None
    canceled_at: datetime | None = None
    version: int = 1
    readings: int = 0
    cancellation_reason: str | None = None

    def money(self, minor: int) -> Money:
        return Money(minor, self.currency)

    @property
    def amount(self) -> Money:
        return self.money(self.amount_minor)

    @property
    def capturable(self) -> Money:
        """Authorized, and not captured yet."""
        held = self.amount_capturable if self.status is PaymentStatus.REQUIRES_CAPTURE else 0
        return self.money(held)

    @property
    def refundable(self) -> Money:
        """Captured, less what banks took back, less refunds, also those whose answer was lost; not failed ones."""
        given = self.amount_refunded + self.amount_refund_pending + self.amount_disputed
        return self.money(max(0, self.amount_captured - given))

    @property
    def refund_blocked(self) -> bool:
        """Whether a dispute keeps the provider from refunding anything."""
        return self.dispute_standing in BLOCKING

    @property
    def settled(self) -> bool:
        return self.status in SETTLED

    @property
    def quiet(self) -> bool:
        """Nothing more is to be heard of it, unless somebody does something."""
        return self.settled and self.amount_refund_pending == 0 and not self.watched


def financial_status(payment: Payment) -> FinancialStatus:
    """`repository.FINANCIAL_STATUS` says the same in SQL; a test holds the two together."""
    if payment.dispute_standing is DisputeStanding.LOST:
        return FinancialStatus.CHARGED_BACK
    if payment.dispute_standing is DisputeStanding.WITHDRAWN:
        return FinancialStatus.DISPUTED
    if payment.amount_captured > 0:
        if payment.amount_refunded >= payment.amount_captured:
            return FinancialStatus.REFUNDED
        return FinancialStatus.PARTIALLY_REFUNDED if payment.amount_refunded > 0 else FinancialStatus.PAID
    if payment.amount_capturable > 0:
        return FinancialStatus.AUTHORIZED
    return FinancialStatus.VOIDED if payment.status is PaymentStatus.CANCELED else FinancialStatus.UNPAID


def available_actions(payment: Payment) -> list[PaymentAction]:
    """What the owner or staff may ask for now; a mutation allows exactly these."""
    if payment.frozen_reason is not None:
        return []
    actions = []
    if payment.status in CONFIRMABLE:
        actions.append(PaymentAction.CONFIRM)
    if payment.capturable.minor > 0:
        actions.append(PaymentAction.CAPTURE)
    if not payment.settled and payment.provider_payment_id is not None:
        actions.append(PaymentAction.CANCEL)
    if payment.refundable.minor > 0 and not payment.refund_blocked:
        actions.append(PaymentAction.REFUND)
    return actions


def next_action(payment: Payment) -> NextActionType | None:
    """What the payer's side has to do next; None when the payment waits for nobody."""
    match payment.status:
        case PaymentStatus.REQUIRES_PAYMENT_METHOD:
            return NextActionType.COLLECT_PAYMENT_METHOD
        case PaymentStatus.REQUIRES_CONFIRMATION:
            return NextActionType.USE_SDK
        case PaymentStatus.REQUIRES_ACTION:
            return NextActionType.REDIRECT if payment.redirect_url else NextActionType.USE_SDK
        case PaymentStatus.CREATED | PaymentStatus.PROCESSING:
            return NextActionType.WAIT
        case _:
            return None
