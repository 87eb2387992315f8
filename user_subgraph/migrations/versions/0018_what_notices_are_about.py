"""What of an account a notice is about."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outgoing_mails", sa.Column("what", sa.String(length=200), nullable=True))


def downgrade() -> None:
    op.drop_column("outgoing_mails", "what")
