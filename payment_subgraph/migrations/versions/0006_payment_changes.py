"""payment changes

On PostgreSQL every change that somebody who watches a payment would see is told, when it commits, on the channel
`payment_changes`. Equal notifications of one transaction are one. SQLite has nothing to tell with, and needs nothing.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_PARTS = {
    "refunds": "version",
    "disputes": "version",
    "payment_operations": "state, {row}.attempts, {row}.resolved_at",
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    _tell("tell_payment_change", "id")
    _tell("tell_payment_part_change", "payment_id")
    # Not of every write: that the provider was read, or when it is to be read again, is nothing to be seen.
    op.execute(
        "CREATE TRIGGER payments_change AFTER UPDATE ON payments FOR EACH ROW "
        "WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION tell_payment_change()"
    )
    for table, seen in _PARTS.items():
        old, new = (f"({row}.{seen.format(row=row)})" for row in ("OLD", "NEW"))
        op.execute(
            f"CREATE TRIGGER {table}_addition AFTER INSERT ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION tell_payment_part_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_change AFTER UPDATE ON {table} FOR EACH ROW "
            f"WHEN ({old} IS DISTINCT FROM {new}) EXECUTE FUNCTION tell_payment_part_change()"
        )


def _tell(function: str, column: str) -> None:
    op.execute(
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN PERFORM pg_notify('payment_changes', NEW.{column}); RETURN NULL; END $$"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("DROP TRIGGER payments_change ON payments")
    for table in _PARTS:
        op.execute(f"DROP TRIGGER {table}_addition ON {table}")
        op.execute(f"DROP TRIGGER {table}_change ON {table}")
    op.execute("DROP FUNCTION tell_payment_change()")
    op.execute("DROP FUNCTION tell_payment_part_change()")
