"""transitions and outbox"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_WAITING = sa.text("state = 'PENDING'")
_DEAD = sa.text("state = 'DEAD'")


def upgrade() -> None:
    op.create_table(
        "payment_transitions",
        sa.Column("payment_id", sa.String(length=40), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("subject_id", sa.String(length=40), nullable=False),
        sa.Column("subject_version", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("cause_id", sa.String(length=255), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("reason", sa.String(length=255), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_payment_transitions_payment_id")
        ),
        sa.PrimaryKeyConstraint("payment_id", "sequence", name=op.f("pk_payment_transitions")),
        sa.UniqueConstraint(
            "subject_id",
            "subject_version",
            "type",
            name=op.f("uq_payment_transitions_subject_id_subject_version_type"),
        ),
    )
    op.create_table(
        "outbox_messages",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("payment_id", sa.String(length=40), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_outbox_messages_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_messages")),
    )
    op.create_index("ix_outbox_messages_created_at_id", "outbox_messages", ["created_at", "id"])
    _index("ix_outbox_messages_due", "outbox_messages", ["next_attempt_at"], _WAITING)
    _index("ix_outbox_messages_waiting", "outbox_messages", ["payment_id", "sequence"], _WAITING)
    _index("ix_outbox_messages_dead", "outbox_messages", ["created_at", "id"], _DEAD)
    op.add_column("payments", sa.Column("cancellation_reason", sa.String(length=64), nullable=True))
    op.add_column(
        "provider_events", sa.Column("lost_claims", sa.Integer(), server_default="0", nullable=False)
    )
    _index("ix_provider_events_dead", "provider_events", ["id"], _DEAD)
    _tell_what_stands()


def _index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _tell_what_stands() -> None:
    """What the rows of older payments still say of their past; without messages, for nobody was told of it then.

    Version 0 is none that a row ever has, so no later transition has the same key.
    """
    told = " UNION ALL ".join(
        (
            _happened("payment.created", "1", "amount_minor", "created_at", "payments"),
            _happened(
                "payment.succeeded",
                "2",
                "amount_captured",
                "coalesce(succeeded_at, updated_at)",
                "payments WHERE status = 'SUCCEEDED'",
            ),
            _happened(
                "payment.canceled",
                "2",
                "CAST(NULL AS BIGINT)",
                "coalesce(canceled_at, updated_at)",
                "payments WHERE status = 'CANCELED'",
            ),
            _happened(
                "payment.failed",
                "2",
                "CAST(NULL AS BIGINT)",
                "updated_at",
                "payments WHERE status = 'FAILED'",
            ),
            _refunded("refund.created", "3", "created_at", ""),
            _refunded("refund.succeeded", "4", "updated_at", "WHERE refunds.status = 'SUCCEEDED'"),
            _refunded("refund.failed", "4", "updated_at", "WHERE refunds.status = 'FAILED'"),
            _refunded("refund.canceled", "4", "updated_at", "WHERE refunds.status = 'CANCELED'"),
        )
    )
    op.execute(
        "INSERT INTO payment_transitions (payment_id, sequence, type, subject_id, subject_version, source, "  # noqa: S608 - words of our own
        "cause_id, amount_minor, currency, occurred_at) "
        "SELECT payment_id, row_number() OVER (PARTITION BY payment_id ORDER BY happened_at, place, subject_id), "
        f"type, subject_id, 0, 'MIGRATION', '0004', amount, currency, happened_at FROM ({told}) AS told"
    )


def _happened(kind: str, place: str, amount: str, at: str, rows: str) -> str:
    return (
        f"SELECT id AS payment_id, id AS subject_id, '{kind}' AS type, {place} AS place, {amount} AS amount, "  # noqa: S608
        f"currency, {at} AS happened_at FROM {rows}"
    )


def _refunded(kind: str, place: str, at: str, which: str) -> str:
    return (
        f"SELECT payment_id, refunds.id AS subject_id, '{kind}' AS type, {place} AS place, "  # noqa: S608
        f"refunds.amount_minor AS amount, currency, refunds.{at} AS happened_at "
        f"FROM refunds JOIN payments ON payments.id = payment_id {which}"
    )


def downgrade() -> None:
    op.drop_index("ix_provider_events_dead", "provider_events")
    op.drop_column("provider_events", "lost_claims")
    op.drop_column("payments", "cancellation_reason")
    op.drop_table("outbox_messages")
    op.drop_table("payment_transitions")
