"""The audit log, whose rows the database lets nobody change or take away.

SQLite drops a table's triggers together with the table, and `op.batch_alter_table` makes a new table of it: a later
migration that changes this one has to make them again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ON_SQLITE = {
    "audit_events_keep_updated": "BEFORE UPDATE ON audit_events",
    "audit_events_keep_deleted": "BEFORE DELETE ON audit_events",
    # INSERT OR REPLACE deletes without asking the triggers of a DELETE.
    "audit_events_keep_replaced": "BEFORE INSERT ON audit_events"
    " WHEN EXISTS (SELECT 1 FROM audit_events WHERE id = NEW.id)",
}
REFUSAL_ON_POSTGRESQL = """
CREATE FUNCTION audit_events_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_events is append-only' USING ERRCODE = 'restrict_violation';
END $$
"""
ON_POSTGRESQL = """
CREATE TRIGGER audit_events_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION audit_events_keep()
"""


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("actor_id", sa.String(length=30), nullable=True),
        sa.Column("subject_id", sa.String(length=30), nullable=True),
        sa.Column("ip_address", sa.String(length=45), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_audit_events_action_id"), "audit_events", ["action", "id"])
    op.create_index(op.f("ix_audit_events_actor_id_id"), "audit_events", ["actor_id", "id"])
    op.create_index(op.f("ix_audit_events_subject_id_id"), "audit_events", ["subject_id", "id"])
    _refuse_changes()


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name, when in ON_SQLITE.items():
            refusal = "SELECT RAISE(ABORT, 'audit_events is append-only')"
            op.execute(f"CREATE TRIGGER {name} {when} BEGIN {refusal}; END")
    else:
        op.execute(REFUSAL_ON_POSTGRESQL)
        op.execute(ON_POSTGRESQL)


def downgrade() -> None:
    op.drop_table("audit_events")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_events_keep()")
