"""bookkeeping"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_VACUUM = ("autovacuum_vacuum_scale_factor", "autovacuum_vacuum_insert_scale_factor")
_SUMS = "day, currency, account, kind, entries, amount_minor"


def upgrade() -> None:
    _create_sums()
    _create_book_differences()
    _create_covering_indexes()
    if op.get_bind().dialect.name == "postgresql":
        _note_changes_postgresql()
        _sum_up_what_stands("({} AT TIME ZONE 'UTC')::date")
    else:
        _note_changes_sqlite()
        _sum_up_what_stands("date({})")


def _create_sums() -> None:
    op.create_table(
        "day_totals",
        *_sums(),
        sa.PrimaryKeyConstraint("day", "currency", "account", "kind", name=op.f("pk_day_totals")),
    )
    op.create_table(
        "day_changes",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        *_sums(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_changes")),
    )


def _sums() -> list[sa.Column[Any]]:
    return [
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("account", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
    ]


def _create_book_differences() -> None:
    op.create_table(
        "book_differences",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("payment_key", sa.String(length=255), nullable=False),
        sa.Column("object_type", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("payment_id", sa.String(length=40), nullable=True),
        sa.Column("provider_object_id", sa.String(length=255), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_here", sa.BigInteger(), nullable=True),
        sa.Column("amount_there", sa.BigInteger(), nullable=True),
        sa.Column("status_here", sa.String(length=32), nullable=True),
        sa.Column("status_there", sa.String(length=32), nullable=True),
        sa.Column("first_found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_differences")),
        sa.UniqueConstraint("object_id", "cause", name=op.f("uq_book_differences_object_id_cause")),
    )
    op.create_index("ix_book_differences_payment_key", "book_differences", ["payment_key"], unique=False)


def _create_covering_indexes() -> None:
    """For index-only scans; SQLite leaves out what PostgreSQL includes."""
    op.create_index(
        "ix_payments_owner_id_currency",
        "payments",
        ["owner_id", "currency"],
        unique=False,
        postgresql_include=["amount_captured", "amount_refunded", "amount_disputed"],
    )
    op.create_index("ix_refunds_created_at_id", "refunds", ["created_at", "id"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        # An index-only scan has to look at the rows of pages that were written since the last vacuum.
        op.execute(f"ALTER TABLE payments SET ({', '.join(f'{name} = 0.02' for name in _VACUUM)})")


def _note_changes_postgresql() -> None:
    """Once a statement, however many rows it writes."""
    op.execute(
        f"""
        CREATE FUNCTION note_ledger_entries() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO day_changes ({_SUMS})
                SELECT (effective_at AT TIME ZONE 'UTC')::date, currency, account, kind, count(*), sum(amount_minor)
                FROM written GROUP BY 1, 2, 3, 4;
            RETURN NULL;
        END $$
        """  # noqa: S608 - words of our own
    )
    op.execute(
        "CREATE TRIGGER ledger_entries_are_summed_up AFTER INSERT ON ledger_entries "
        "REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION note_ledger_entries()"
    )
    op.execute(
        f"""
        CREATE FUNCTION note_new_payments() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO day_changes ({_SUMS})
                SELECT (created_at AT TIME ZONE 'UTC')::date, currency, '', 'ATTEMPTED', count(*), 0
                FROM written GROUP BY 1, 2
                UNION ALL
                SELECT (succeeded_at AT TIME ZONE 'UTC')::date, currency, '', 'SUCCEEDED', count(*), 0
                FROM written WHERE succeeded_at IS NOT NULL GROUP BY 1, 2;
            RETURN NULL;
        END $$
        """  # noqa: S608
    )
    op.execute(
        "CREATE TRIGGER new_payments_are_summed_up AFTER INSERT ON payments "
        "REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION note_new_payments()"
    )
    op.execute(
        f"""
        CREATE FUNCTION note_payment_success() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO day_changes ({_SUMS})
                SELECT (at AT TIME ZONE 'UTC')::date, NEW.currency, '', 'SUCCEEDED', entries, 0
                FROM (VALUES (OLD.succeeded_at, -1), (NEW.succeeded_at, 1)) AS change (at, entries)
                WHERE at IS NOT NULL;
            RETURN NULL;
        END $$
        """  # noqa: S608
    )
    op.execute(
        "CREATE TRIGGER payment_success_is_summed_up AFTER UPDATE OF succeeded_at ON payments FOR EACH ROW "
        "WHEN (OLD.succeeded_at IS DISTINCT FROM NEW.succeeded_at) EXECUTE FUNCTION note_payment_success()"
    )


def _note_changes_sqlite() -> None:
    op.execute(
        f"""
        CREATE TRIGGER ledger_entries_are_summed_up AFTER INSERT ON ledger_entries BEGIN
            INSERT INTO day_changes ({_SUMS})
                VALUES (date(NEW.effective_at), NEW.currency, NEW.account, NEW.kind, 1, NEW.amount_minor);
        END
        """  # noqa: S608
    )
    op.execute(
        f"""
        CREATE TRIGGER new_payments_are_summed_up AFTER INSERT ON payments BEGIN
            INSERT INTO day_changes ({_SUMS})
                VALUES (date(NEW.created_at), NEW.currency, '', 'ATTEMPTED', 1, 0);
            INSERT INTO day_changes ({_SUMS})
                SELECT date(NEW.succeeded_at), NEW.currency, '', 'SUCCEEDED', 1, 0
                WHERE NEW.succeeded_at IS NOT NULL;
        END
        """  # noqa: S608
    )
    op.execute(
        f"""
        CREATE TRIGGER payment_success_is_summed_up AFTER UPDATE OF succeeded_at ON payments
        WHEN OLD.succeeded_at IS NOT NEW.succeeded_at BEGIN
            INSERT INTO day_changes ({_SUMS})
                SELECT date(OLD.succeeded_at), NEW.currency, '', 'SUCCEEDED', -1, 0
                WHERE OLD.succeeded_at IS NOT NULL;
            INSERT INTO day_changes ({_SUMS})
                SELECT date(NEW.succeeded_at), NEW.currency, '', 'SUCCEEDED', 1, 0
                WHERE NEW.succeeded_at IS NOT NULL;
        END
        """
    )


def _sum_up_what_stands(day: str) -> None:
    """After the triggers: making them waits for every writer, so whoever commits later is noted by them."""
    money = (
        f"SELECT {day.format('effective_at')}, currency, account, kind, count(*), sum(amount_minor) "  # noqa: S608
        "FROM ledger_entries GROUP BY 1, 2, 3, 4"
    )
    counts = (
        f"SELECT {day.format(at)}, currency, '', '{kind}', count(*), 0 "  # noqa: S608
        f"FROM payments WHERE {at} IS NOT NULL GROUP BY 1, 2"
        for at, kind in (("created_at", "ATTEMPTED"), ("succeeded_at", "SUCCEEDED"))
    )
    for found in (money, *counts):
        op.execute(f"INSERT INTO day_totals ({_SUMS}) {found}")


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for trigger, table, function in (
        ("ledger_entries_are_summed_up", "ledger_entries", "note_ledger_entries"),
        ("new_payments_are_summed_up", "payments", "note_new_payments"),
        ("payment_success_is_summed_up", "payments", "note_payment_success"),
    ):
        op.execute(f"DROP TRIGGER {trigger}" + (f" ON {table}" if postgresql else ""))
        if postgresql:
            op.execute(f"DROP FUNCTION {function}()")
    if postgresql:
        op.execute(f"ALTER TABLE payments RESET ({', '.join(_VACUUM)})")
    op.drop_index("ix_refunds_created_at_id", "refunds")
    op.drop_index("ix_payments_owner_id_currency", "payments")
    for table in ("book_differences", "day_changes", "day_totals"):
        op.drop_table(table)
