"""The tables of customers and of the payment methods kept with them."""

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, text

from payment_subgraph.column_types import ID, METHOD, PLAIN_JSON, UtcDateTime, Word
from payment_subgraph.customer import CustomerOperationKind
from payment_subgraph.operation import OperationState
from payment_subgraph.tables import metadata

customers: Final = Table(
    "customers",
    metadata,
    Column("id", ID, primary_key=True),
    Column("owner_id", String(64), nullable=False),
    Column("environment", String(64), nullable=False),
    Column("provider_customer_id", String(255), unique=True),
    Column("open_setup_id", String(255)),
    Column("default_method_id", ID),  # no foreign key: the two tables would hold each other
    Column("readings", Integer, nullable=False),
    Column("watched_since", UtcDateTime),
    Column("reread_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("to_delete", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_customers_owner_id", "owner_id"),
    Index("ix_customers_reread_at", "reread_at"),
    Index(
        "one_customer",
        "owner_id",
        "environment",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

saved_payment_methods: Final = Table(
    "saved_payment_methods",
    metadata,
    Column("id", ID, primary_key=True),
    Column("customer_id", ID, ForeignKey("customers.id"), nullable=False, index=True),
    Column("owner_id", String(64), nullable=False, index=True),
    Column("provider_method_id", String(255), nullable=False, unique=True),
    Column("details", METHOD),
    Column("kept_at", UtcDateTime, nullable=False),
    Column("removed_at", UtcDateTime),
    Column("detached_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

customer_operations: Final = Table(
    "customer_operations",
    metadata,
    Column("id", ID, primary_key=True),
    Column("customer_id", ID, ForeignKey("customers.id"), nullable=False, index=True),
    Column("kind", Word(CustomerOperationKind), nullable=False),
    Column("provider_key", String(255), nullable=False, unique=True),
    Column("params", PLAIN_JSON, nullable=False),
    Column("provider_version", String(64), nullable=False),
    Column("state", Word(OperationState), nullable=False),
    Column("first_sent_at", UtcDateTime),
    Column("last_sent_at", UtcDateTime),
    Column("due_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("must_look", Boolean, nullable=False),
    Column("provider_object_id", String(255)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime),
    Index(
        "ix_customer_operations_open",
        "due_at",
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
    Index(
        "one_open_customer_operation",
        "customer_id",
        "kind",
        unique=True,
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
)
