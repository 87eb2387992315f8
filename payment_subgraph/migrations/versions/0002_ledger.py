"""ledger"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_APPEND_ONLY = "ledger entries are append-only"


def upgrade() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("txn_id", sa.String(length=64), nullable=False),
        sa.Column("posting_key", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("payment_id", sa.String(length=40), nullable=False),
        sa.Column("account", sa.String(length=32), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_ledger_entries_amount_not_zero")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_ledger_entries_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint("posting_key", name=op.f("uq_ledger_entries_posting_key")),
    )
    for columns in (["txn_id"], ["payment_id"], ["account", "effective_at"]):
        op.create_index(f"ix_ledger_entries_{'_'.join(columns)}", "ledger_entries", columns, unique=False)
    op.create_index("ix_payments_succeeded_at", "payments", ["succeeded_at"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
        _post_what_stands()
        op.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else a later revision could not alter the table
    else:
        _guard_sqlite()
        _post_what_stands()


def _guard_postgresql() -> None:
    """Every transaction must add up to zero in each currency when it commits, and what stands stands."""
    op.execute(
        """
        CREATE FUNCTION ledger_transaction_must_balance() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT sum(amount_minor) FROM ledger_entries
                WHERE txn_id = NEW.txn_id AND currency = NEW.currency) <> 0 THEN
                RAISE EXCEPTION 'ledger transaction % does not balance in %', NEW.txn_id, NEW.currency
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_transaction_must_balance()"
    )
    op.execute(
        "CREATE FUNCTION ledger_entries_are_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_APPEND_ONLY}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_are_append_only()"
    )


def _guard_sqlite() -> None:
    """The same. SQLite has no deferred triggers, but it has deferred foreign keys.

    `ledger_imbalances` has a row for each transaction that does not add up to zero, and each of its rows
    refers to one that cannot exist: so it is empty whenever something is committed.
    """
    op.execute(
        """
        CREATE TABLE ledger_imbalances (
            txn_id VARCHAR(64) NOT NULL,
            currency VARCHAR(3) NOT NULL,
            amount_minor BIGINT NOT NULL
                REFERENCES ledger_imbalances (never) DEFERRABLE INITIALLY DEFERRED,
            never BIGINT UNIQUE CHECK (never IS NULL),
            PRIMARY KEY (txn_id, currency)
        )
        """
    )
    op.execute(
        """
        CREATE TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries BEGIN
            INSERT INTO ledger_imbalances (txn_id, currency, amount_minor)
                VALUES (NEW.txn_id, NEW.currency, NEW.amount_minor)
                ON CONFLICT (txn_id, currency) DO UPDATE SET amount_minor = amount_minor + excluded.amount_minor;
            DELETE FROM ledger_imbalances
                WHERE txn_id = NEW.txn_id AND currency = NEW.currency AND amount_minor = 0;
        END
        """
    )
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER ledger_entries_no_{change.lower()} BEFORE {change} ON ledger_entries "
            f"BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END"
        )
    # INSERT OR REPLACE deletes what is in its way, and tells no trigger of deletions.
    op.execute(
        "CREATE TRIGGER ledger_entries_no_replace BEFORE INSERT ON ledger_entries "
        "WHEN EXISTS (SELECT 1 FROM ledger_entries WHERE id = NEW.id OR posting_key = NEW.posting_key) "
        "BEGIN SELECT RAISE(ABORT, 'ledger entries are append-only'); END"
    )
    # Every connection has to ask for foreign keys; one that has not could commit what does not balance.
    op.execute(
        "CREATE TRIGGER ledger_entries_need_foreign_keys BEFORE INSERT ON ledger_entries "
        "WHEN (SELECT foreign_keys FROM pragma_foreign_keys) = 0 "
        "BEGIN SELECT RAISE(ABORT, 'ledger entries need PRAGMA foreign_keys = ON'); END"
    )


def _post_what_stands() -> None:
    """What was captured and refunded before there was a ledger, by the rows as they are.

    Keyed as the service keys its postings, by the version that stands: a later change has another.
    """
    _post(
        "CAPTURE",
        "stripe_clearing",
        "payments_received",
        "SELECT id AS changed, version, id AS payment_id, amount_captured AS amount_minor, currency, "
        "coalesce(succeeded_at, updated_at) AS effective_at "
        "FROM payments WHERE amount_captured > 0",
    )
    _post(
        "REFUND",
        "payments_received",
        "stripe_clearing",
        "SELECT refunds.id AS changed, refunds.version, payment_id, refunds.amount_minor, currency, "
        "refunds.updated_at AS effective_at "
        "FROM refunds JOIN payments ON payments.id = payment_id WHERE refunds.status = 'SUCCEEDED'",
    )


def _post(kind: str, debit: str, credit: str, found: str) -> None:
    for account, factor in ((debit, "1"), (credit, "(-1)")):
        op.execute(
            "INSERT INTO ledger_entries (txn_id, posting_key, kind, payment_id, account, amount_minor, currency, "  # noqa: S608 - words of our own
            "effective_at, created_at) "
            f"SELECT changed || ':' || version, changed || ':' || version || ':' || '{account}', '{kind}', "
            f"payment_id, '{account}', {factor} * amount_minor, currency, effective_at, CURRENT_TIMESTAMP "
            f"FROM ({found}) AS found ORDER BY changed"
        )


def downgrade() -> None:
    op.drop_index("ix_payments_succeeded_at", "payments")
    op.drop_table("ledger_entries")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION ledger_transaction_must_balance()")
        op.execute("DROP FUNCTION ledger_entries_are_append_only()")
    else:
        op.execute("DROP TABLE ledger_imbalances")
