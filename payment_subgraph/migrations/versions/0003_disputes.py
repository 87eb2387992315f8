"""disputes, and what moves the provider's balance"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OF_BEFORE = "('CAPTURE', 'REFUND')"


def upgrade() -> None:
    _add_to_payments()
    _create_disputes()
    _create_balance_transactions()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER observations_not_emptied BEFORE TRUNCATE ON observations "
            "FOR EACH STATEMENT EXECUTE FUNCTION observations_are_append_only()"
        )


def _add_to_payments() -> None:
    """Of an older payment nothing is known of all this until it is read again."""
    op.add_column(
        "payments", sa.Column("amount_disputed", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("payments", sa.Column("dispute_standing", sa.String(length=32), nullable=True))
    op.add_column("payments", sa.Column("risk_level", sa.String(length=32), nullable=True))
    op.add_column("payments", sa.Column("watched", sa.Boolean(), server_default=sa.false(), nullable=False))


def _create_disputes() -> None:
    op.create_table(
        "disputes",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("payment_id", sa.String(length=40), nullable=False),
        sa.Column("provider_dispute_id", sa.String(length=255), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("funds_withdrawn", sa.Boolean(), nullable=False),
        sa.Column("held_minor", sa.BigInteger(), nullable=False),
        sa.Column("held_currency", sa.String(length=3), nullable=True),
        sa.Column("evidence_due_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_disputes_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("provider_dispute_id", name=op.f("uq_disputes_provider_dispute_id")),
    )
    for columns in (["payment_id", "created_at", "id"], ["created_at", "id"]):
        op.create_index(f"ix_disputes_{'_'.join(columns)}", "disputes", columns, unique=False)


def _create_balance_transactions() -> None:
    op.create_table(
        "balance_transactions",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("payment_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("source_id", sa.String(length=255), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payment_minor", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_balance_transactions_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_transactions")),
    )
    for columns in (["payment_id"], ["created_at"]):
        op.create_index(
            f"ix_balance_transactions_{'_'.join(columns)}", "balance_transactions", columns, unique=False
        )


def downgrade() -> None:
    """Takes out of the ledger what the older service has no words for: whole transactions, so it stays balanced."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER observations_not_emptied ON observations")
        op.execute("ALTER TABLE ledger_entries DISABLE TRIGGER ledger_entries_append_only")
        _forget()
        op.execute("ALTER TABLE ledger_entries ENABLE TRIGGER ledger_entries_append_only")
    else:
        _forget_in_sqlite()
    for table in ("disputes", "balance_transactions"):
        op.drop_table(table)
    for column in ("amount_disputed", "dispute_standing", "risk_level", "watched"):
        op.drop_column("payments", column)


def _forget() -> None:
    op.execute(f"DELETE FROM ledger_entries WHERE kind NOT IN {_OF_BEFORE}")  # noqa: S608 - words of our own


def _forget_in_sqlite() -> None:
    guard = op.get_bind().execute(
        sa.text("SELECT sql FROM sqlite_master WHERE name = 'ledger_entries_no_delete'")
    )
    made_by = guard.scalar_one()
    op.execute("DROP TRIGGER ledger_entries_no_delete")
    _forget()
    op.execute(made_by)
