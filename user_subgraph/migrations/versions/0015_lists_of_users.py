"""Each order of users for each status by itself, so that a page costs the same however many users there are."""

from alembic import op

revision = "0015"
down_revision = "0012"
branch_labels = None
depends_on = None

ORDERS = ("created_at", "email", "last_login_at")


def upgrade() -> None:
    for order in ORDERS:
        op.create_index(op.f(f"ix_users_status_{order}_id"), "users", ["status", order, "id"])
    op.drop_index(op.f("ix_users_created_at_id"), table_name="users")


def downgrade() -> None:
    op.create_index(op.f("ix_users_created_at_id"), "users", ["created_at", "id"])
    for order in ORDERS:
        op.drop_index(op.f(f"ix_users_status_{order}_id"), table_name="users")
