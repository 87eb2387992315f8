"""event subject"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OPEN = sa.text("processed_at IS NULL")
_SUSPECTED = sa.text("processed_at IS NULL AND lost_claims >= 2")


def upgrade() -> None:
    """No row is written: events that are stored already, or by a process of the older release, have no subject."""
    op.add_column("provider_events", sa.Column("subject", sa.String(length=255), nullable=True))
    op.create_index(
        "ix_provider_events_open_subject",
        "provider_events",
        ["subject"],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_index(
        "ix_provider_events_suspected",
        "provider_events",
        ["next_attempt_at"],
        sqlite_where=_SUSPECTED,
        postgresql_where=_SUSPECTED,
    )


def downgrade() -> None:
    op.drop_index("ix_provider_events_suspected", table_name="provider_events")
    op.drop_index("ix_provider_events_open_subject", table_name="provider_events")
    op.drop_column("provider_events", "subject")
