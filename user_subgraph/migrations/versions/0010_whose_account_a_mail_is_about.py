"""Mails that are about an account, whatever address they go to."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outgoing_mails", sa.Column("user_id", sa.String(length=30), nullable=True))
    op.create_index(op.f("ix_outgoing_mails_user_id"), "outgoing_mails", ["user_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_outgoing_mails_user_id"), table_name="outgoing_mails")
    op.drop_column("outgoing_mails", "user_id")
