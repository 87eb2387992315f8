"""saved payment methods"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=64), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("provider_customer_id", sa.String(length=255), nullable=True),
        sa.Column("open_setup_id", sa.String(length=255), nullable=True),
        sa.Column("default_method_id", sa.String(length=40), nullable=True),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.Column("watched_since", _TIME, nullable=True),
        sa.Column("reread_at", _TIME, nullable=True),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.Column("to_delete", sa.Boolean(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("provider_customer_id", name=op.f("uq_customers_provider_customer_id")),
    )
    op.create_index("ix_customers_owner_id", "customers", ["owner_id"], unique=False)
    op.create_index("ix_customers_reread_at", "customers", ["reread_at"], unique=False)
    _create_unique_where("one_customer", "customers", ["owner_id", "environment"], "ended_at IS NULL")
    op.create_table(
        "saved_payment_methods",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=64), nullable=False),
        sa.Column("provider_method_id", sa.String(length=255), nullable=False),
        sa.Column("details", _JSON, nullable=True),
        sa.Column("kept_at", _TIME, nullable=False),
        sa.Column("removed_at", _TIME, nullable=True),
        sa.Column("detached_at", _TIME, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_saved_payment_methods_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_payment_methods")),
        sa.UniqueConstraint("provider_method_id", name=op.f("uq_saved_payment_methods_provider_method_id")),
    )
    for column in ("customer_id", "owner_id"):
        op.create_index(f"ix_saved_payment_methods_{column}", "saved_payment_methods", [column], unique=False)
    _create_operations()


def _create_operations() -> None:
    op.create_table(
        "customer_operations",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("provider_key", sa.String(length=255), nullable=False),
        sa.Column("params", _JSON, nullable=False),
        sa.Column("provider_version", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("first_sent_at", _TIME, nullable=True),
        sa.Column("last_sent_at", _TIME, nullable=True),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("must_look", sa.Boolean(), nullable=False),
        sa.Column("provider_object_id", sa.String(length=255), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("resolved_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_customer_operations_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_operations")),
        sa.UniqueConstraint("provider_key", name=op.f("uq_customer_operations_provider_key")),
    )
    op.create_index(
        "ix_customer_operations_customer_id", "customer_operations", ["customer_id"], unique=False
    )
    op.create_index(
        "ix_customer_operations_open",
        "customer_operations",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    _create_unique_where(
        "one_open_customer_operation", "customer_operations", ["customer_id", "kind"], "resolved_at IS NULL"
    )


def _create_unique_where(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=True, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_table("customer_operations")
    op.drop_table("saved_payment_methods")
    op.drop_table("customers")
