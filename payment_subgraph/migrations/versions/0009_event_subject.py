"""event subject"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OPEN = sa.text("processed_at IS NULL")


def upgrade() -> None:
    """Of events that are stored already each is a subject of its own: worked on one by one, as they would have been."""
    op.add_column("provider_events", sa.Column("subject", sa.String(length=255), nullable=True))
    op.execute("UPDATE provider_events SET subject = provider_event_id")
    with op.batch_alter_table("provider_events") as table:
        table.alter_column("subject", existing_type=sa.String(length=255), nullable=False)
    op.create_index(
        "ix_provider_events_open_subject",
        "provider_events",
        ["subject"],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )


def downgrade() -> None:
    op.drop_index("ix_provider_events_open_subject", table_name="provider_events")
    with op.batch_alter_table("provider_events") as table:
        table.drop_column("subject")
