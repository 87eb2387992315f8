"""Mails that are about an account, whatever address they go to."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

FOREIGN_KEY = "fk_outgoing_mails_user_id"


def upgrade() -> None:
    with op.batch_alter_table("outgoing_mails") as table:
        table.add_column(sa.Column("user_id", sa.String(length=30), nullable=True))
        table.create_foreign_key(op.f(FOREIGN_KEY), "users", ["user_id"], ["id"], ondelete="CASCADE")
    op.create_index(op.f("ix_outgoing_mails_user_id"), "outgoing_mails", ["user_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_outgoing_mails_user_id"), table_name="outgoing_mails")
    with op.batch_alter_table("outgoing_mails") as table:
        table.drop_constraint(op.f(FOREIGN_KEY), type_="foreignkey")
        table.drop_column("user_id")
