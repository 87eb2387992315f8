"""Where a recorded act came from moves out of the audit log, to where it can be forgotten.

SQLite drops a table's triggers together with the table, so a later migration that makes a new one of `audit_origins`
has to make them again. `DROP COLUMN` leaves those of `audit_events` as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0002"
branch_labels = None
depends_on = None

ON_SQLITE = {
    "audit_origins_keep_updated": "BEFORE UPDATE ON audit_origins",
    # INSERT OR REPLACE changes a row without asking the triggers of an UPDATE.
    "audit_origins_keep_replaced": "BEFORE INSERT ON audit_origins"
    " WHEN EXISTS (SELECT 1 FROM audit_origins WHERE event_id = NEW.event_id)",
}
REFUSAL_ON_POSTGRESQL = """
CREATE FUNCTION audit_origins_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_origins can only be deleted' USING ERRCODE = 'restrict_violation';
END $$
"""
ON_POSTGRESQL = """
CREATE TRIGGER audit_origins_keep BEFORE UPDATE ON audit_origins
FOR EACH STATEMENT EXECUTE FUNCTION audit_origins_keep()
"""


def upgrade() -> None:
    op.create_table(
        "audit_origins",
        sa.Column("event_id", sa.String(length=30), nullable=False),
        sa.Column("owner_id", sa.String(length=30), nullable=True),
        sa.Column("ip_address", sa.String(length=45), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_origins")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_audit_origins_owner_id"), "audit_origins", ["owner_id"])
    op.execute(
        "INSERT INTO audit_origins (event_id, owner_id, ip_address, request_id)"
        " SELECT id, COALESCE(actor_id, subject_id), ip_address, request_id FROM audit_events"
        " WHERE ip_address IS NOT NULL OR request_id IS NOT NULL"
    )
    op.drop_column("audit_events", "ip_address")
    op.drop_column("audit_events", "request_id")
    _refuse_changes()


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name, when in ON_SQLITE.items():
            refusal = "SELECT RAISE(ABORT, 'audit_origins can only be deleted')"
            op.execute(f"CREATE TRIGGER {name} {when} BEGIN {refusal}; END")
    else:
        op.execute(REFUSAL_ON_POSTGRESQL)
        op.execute(ON_POSTGRESQL)


def downgrade() -> None:
    """The origins are lost: the log's rows cannot be changed."""
    op.add_column("audit_events", sa.Column("ip_address", sa.String(length=45), nullable=True))
    op.add_column("audit_events", sa.Column("request_id", sa.String(length=64), nullable=True))
    op.drop_table("audit_origins")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_origins_keep()")
