"""The tables. Money is BIGINT minor units; times are UTC; rows of `observations` and `ledger_entries` are never changed."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.types import JSON

from payment_subgraph.balance import MovementKind
from payment_subgraph.book_difference import BookDifferenceCause, BookObject
from payment_subgraph.column_types import (
    FAILURE,
    ID,
    METHOD,
    PAIRS,
    PLAIN_JSON,
    REJECTION,
    Owner,
    UtcDateTime,
    Word,
)
from payment_subgraph.dispute import DisputeStanding, DisputeStatus
from payment_subgraph.inbox_event import InboxState
from payment_subgraph.ledger import Account, PostingKind
from payment_subgraph.operation import OperationKind, OperationState
from payment_subgraph.outbox_message import OutboxState
from payment_subgraph.payment import CaptureMethod, PaymentSource, PaymentStatus, RiskLevel
from payment_subgraph.refund import RefundReason, RefundSource, RefundStatus

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


_RAW_JSON: Final = JSON()  # PostgreSQL's json takes all that JSON allows, jsonb does not

payments: Final = Table(
    "payments",
    metadata,
    Column("id", ID, primary_key=True),
    Column("owner_id", Owner, nullable=False),
    Column("source", Word(PaymentSource), nullable=False, server_default="API"),
    Column("reference", String(255)),
    Column("description", Text),
    Column("return_url", Text),
    Column("metadata", PAIRS, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("capture_method", Word(CaptureMethod), nullable=False),
    Column("status", Word(PaymentStatus), nullable=False),
    Column("provider_payment_id", String(255), unique=True),
    Column("client_secret", String(255)),
    Column("redirect_url", Text),
    Column("payment_method", METHOD),
    Column("last_error", FAILURE),
    Column("amount_capturable", BigInteger, nullable=False),
    Column("amount_captured", BigInteger, nullable=False),
    Column("amount_refunded", BigInteger, nullable=False),
    Column("amount_refund_pending", BigInteger, nullable=False),
    Column("amount_disputed", BigInteger, nullable=False),
    Column("dispute_standing", Word(DisputeStanding)),
    Column("risk_level", Word(RiskLevel)),
    Column("watched", Boolean, nullable=False),
    Column("frozen_reason", String(64)),
    Column("version", Integer, nullable=False),
    Column("readings", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("succeeded_at", UtcDateTime),
    Column("canceled_at", UtcDateTime),
    Column("cancellation_reason", String(64)),
    Column("reread_at", UtcDateTime),  # when the reconciler looks at the provider; null: no more
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("amount_captured <= amount_minor", name="captured_within_amount"),
    CheckConstraint("amount_refunded <= amount_captured", name="refunded_within_captured"),
    Index("ix_payments_owner_id_created_at_id", "owner_id", "created_at", "id"),
    Index("ix_payments_created_at_id", "created_at", "id"),
    Index("ix_payments_updated_at_id", "updated_at", "id"),
    Index("ix_payments_reread_at", "reread_at"),
    Index("ix_payments_succeeded_at", "succeeded_at"),
    Index(
        "ix_payments_owner_id_currency",
        "owner_id",
        "currency",
        postgresql_include=["amount_captured", "amount_refunded", "amount_disputed"],
    ),
)

LIVE = text("reference IS NOT NULL AND status NOT IN ('CANCELED', 'FAILED')")
one_live: Final = Index(
    "one_live",
    payments.c.owner_id,
    payments.c.reference,
    unique=True,
    sqlite_where=LIVE,
    postgresql_where=LIVE,
)
"""At most one payment per owner and reference can still collect, or has collected, the money."""

payment_operations: Final = Table(
    "payment_operations",
    metadata,
    Column("id", ID, primary_key=True),
    Column("payment_id", ID, ForeignKey("payments.id"), nullable=False, index=True),
    Column("refund_id", ID, ForeignKey("refunds.id")),
    Column("kind", Word(OperationKind), nullable=False),
    Column("actor_id", String(64), nullable=False),
    Column("client_key", String(255), nullable=False),
    Column("request_hash", String(64), nullable=False),
    Column("provider_key", String(255), nullable=False, unique=True),
    Column("params", PLAIN_JSON, nullable=False),
    Column("provider_version", String(64), nullable=False),
    Column("amount_minor", BigInteger),
    Column("currency", String(3)),
    Column("note", Text),
    Column("state", Word(OperationState), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("first_sent_at", UtcDateTime),
    Column("last_sent_at", UtcDateTime),
    Column("due_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("must_look", Boolean, nullable=False),
    Column("result", REJECTION),
    Column("resolved_at", UtcDateTime),
    UniqueConstraint("actor_id", "kind", "client_key"),
    Index(
        "ix_payment_operations_open",
        "due_at",
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
)

refunds: Final = Table(
    "refunds",
    metadata,
    Column("id", ID, primary_key=True),
    Column("payment_id", ID, ForeignKey("payments.id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("status", Word(RefundStatus), nullable=False),
    Column("reason", Word(RefundReason), nullable=False),
    Column("note", Text),
    Column("source", Word(RefundSource), nullable=False),
    Column("provider_refund_id", String(255), unique=True),
    Column("failure_reason", String(255)),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    Index("ix_refunds_payment_id_created_at_id", "payment_id", "created_at", "id"),
    Index("ix_refunds_created_at_id", "created_at", "id"),
)

disputes: Final = Table(
    "disputes",
    metadata,
    Column("id", ID, primary_key=True),
    Column("payment_id", ID, ForeignKey("payments.id"), nullable=False),
    Column("provider_dispute_id", String(255), nullable=False, unique=True),
    Column("amount_minor", BigInteger, nullable=False),  # no ceiling: it may exceed the payment
    Column("currency", String(3), nullable=False),
    Column("status", Word(DisputeStatus), nullable=False),
    Column("reason", String(255), nullable=False),
    Column("funds_withdrawn", Boolean, nullable=False),
    Column("held_minor", BigInteger, nullable=False),
    Column("held_currency", String(3)),
    Column("evidence_due_by", UtcDateTime),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_disputes_payment_id_created_at_id", "payment_id", "created_at", "id"),
    Index("ix_disputes_created_at_id", "created_at", "id"),
)

balance_transactions: Final = Table(
    "balance_transactions",
    metadata,
    Column("id", String(255), primary_key=True),
    Column("payment_id", ID, ForeignKey("payments.id"), nullable=False, index=True),
    Column("kind", Word(MovementKind), nullable=False),
    Column("source_id", String(255), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("payment_minor", BigInteger),
    Column("created_at", UtcDateTime, nullable=False),
    Column("available_at", UtcDateTime, nullable=False),
    Index("ix_balance_transactions_created_at", "created_at"),
)
"""As the provider told them, each once: its primary key is the provider's."""

DEAD: Final = text("state = 'DEAD'")
SUSPECTED_EVENTS: Final[ColumnElement[bool]] = literal_column("lost_claims") >= literal_column("2")
"""In the words of the index, or SQLite does not use it."""

provider_events: Final = Table(
    "provider_events",
    metadata,
    Column("id", ID, primary_key=True),
    Column("provider", String(32), nullable=False),
    Column("provider_event_id", String(255), nullable=False),
    Column("type", String(255), nullable=False),
    Column("subject", String(255)),
    Column("livemode", Boolean, nullable=False),
    Column("payload", _RAW_JSON, nullable=False),
    Column("state", Word(InboxState), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lost_claims", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("last_error", Text),
    Column("received_at", UtcDateTime, nullable=False),
    Column("processed_at", UtcDateTime),
    UniqueConstraint("provider", "provider_event_id"),
    Index(
        "ix_provider_events_dead",
        "id",
        sqlite_where=DEAD,
        postgresql_where=DEAD,
    ),
    Index(
        "ix_provider_events_open",
        "next_attempt_at",
        sqlite_where=text("processed_at IS NULL"),
        postgresql_where=text("processed_at IS NULL"),
    ),
    Index(
        "ix_provider_events_suspected",
        "next_attempt_at",
        sqlite_where=text("processed_at IS NULL AND lost_claims >= 2"),
        postgresql_where=text("processed_at IS NULL AND lost_claims >= 2"),
    ),
    Index(
        "ix_provider_events_open_subject",
        "subject",
        sqlite_where=text("processed_at IS NULL"),
        postgresql_where=text("processed_at IS NULL"),
    ),
)

observations: Final = Table(
    "observations",
    metadata,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("object_type", String(16), nullable=False),
    Column("object_id", ID, nullable=False),
    Column("source", String(16), nullable=False),
    Column("cause_id", String(255), nullable=False),
    Column("snapshot", PLAIN_JSON, nullable=False),
    Column("observed_at", UtcDateTime, nullable=False),
    Index("ix_observations_object_id_seq", "object_id", "seq"),
)

ledger_entries: Final = Table(
    "ledger_entries",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("txn_id", String(64), nullable=False, index=True),
    Column("posting_key", String(128), nullable=False, unique=True),
    Column("kind", Word(PostingKind), nullable=False),
    Column("payment_id", ID, ForeignKey("payments.id"), nullable=False, index=True),
    Column("account", Word(Account), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("effective_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("amount_minor <> 0", name="amount_not_zero"),
    Index("ix_ledger_entries_account_effective_at", "account", "effective_at"),
)
"""The migration adds triggers: entries of a transaction add up to zero, and none is changed or deleted."""

payment_transitions: Final = Table(
    "payment_transitions",
    metadata,
    Column("payment_id", ID, ForeignKey("payments.id"), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("type", String(64), nullable=False),
    Column("subject_id", ID, nullable=False),
    Column("subject_version", Integer, nullable=False),
    Column("source", String(16), nullable=False),
    Column("cause_id", String(255), nullable=False),
    Column("amount_minor", BigInteger),
    Column("currency", String(3)),
    Column("reason", String(255)),
    Column("occurred_at", UtcDateTime, nullable=False),
    UniqueConstraint("subject_id", "subject_version", "type"),
)
"""What happened to each payment, in order. Rows are never changed."""

WAITING_MESSAGES: Final = text("state = 'PENDING'")

outbox_messages: Final = Table(
    "outbox_messages",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("payment_id", ID, ForeignKey("payments.id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("type", String(64), nullable=False),
    Column("payload", Text, nullable=False),  # as it is signed and sent, to the letter
    Column("state", Word(OutboxState), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("last_error", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("delivered_at", UtcDateTime),
    Index("ix_outbox_messages_created_at_id", "created_at", "id"),
    Index(
        "ix_outbox_messages_due",
        "next_attempt_at",
        sqlite_where=WAITING_MESSAGES,
        postgresql_where=WAITING_MESSAGES,
    ),
    Index(
        "ix_outbox_messages_waiting",
        "payment_id",
        "sequence",
        sqlite_where=WAITING_MESSAGES,
        postgresql_where=WAITING_MESSAGES,
    ),
    Index(
        "ix_outbox_messages_dead",
        "created_at",
        "id",
        sqlite_where=DEAD,
        postgresql_where=DEAD,
    ),
)
"""One message for each transition, until an operator prunes it: the transitions stay."""


def _day_sums() -> list[Column[Any]]:
    """What happened on a day, in UTC: entries of a kind on an account; payments have the account ''."""
    return [
        Column("day", Date, nullable=False),
        Column("currency", String(3), nullable=False),
        Column("account", String(32), nullable=False),
        Column("kind", String(32), nullable=False),
        Column("entries", BigInteger, nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
    ]


day_totals: Final = Table(
    "day_totals", metadata, *_day_sums(), PrimaryKeyConstraint("day", "currency", "account", "kind")
)
day_changes: Final = Table(
    "day_changes",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    *_day_sums(),
)
"""What triggers noted since and `day_totals` does not have yet: only both together are the sum (`totals.py`)."""

book_differences: Final = Table(
    "book_differences",
    metadata,
    Column("id", ID, primary_key=True),
    Column("payment_key", String(255), nullable=False, index=True),
    Column("object_type", Word(BookObject), nullable=False),
    Column("object_id", String(255), nullable=False),
    Column("cause", Word(BookDifferenceCause), nullable=False),
    Column("payment_id", ID),
    Column("provider_object_id", String(255)),
    Column("currency", String(3), nullable=False),
    Column("amount_here", BigInteger),
    Column("amount_there", BigInteger),
    Column("status_here", String(32)),
    Column("status_there", String(32)),
    Column("first_found_at", UtcDateTime, nullable=False),
    Column("last_found_at", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime),
    UniqueConstraint("object_id", "cause"),
)

erased_owners: Final = Table(
    "erased_owners",
    metadata,
    Column("owner_id", String(64), primary_key=True),
    Column("erased_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime),  # when what is kept of them is looked through again; null: no more
    Index("ix_erased_owners_due_at", "due_at"),
)
"""Who was erased, as the user service told it, each once."""

job_cursors: Final = Table(
    "job_cursors",
    metadata,
    Column("job", String(64), primary_key=True),
    Column("position_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
)
