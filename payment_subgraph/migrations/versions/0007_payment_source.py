"""payment source

Payments that were there before were all asked for here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payments", sa.Column("source", sa.String(length=32), server_default="API", nullable=False))


def downgrade() -> None:
    op.drop_column("payments", "source")
