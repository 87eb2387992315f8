"""What users are found by, for those who are there already too."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from user_subgraph.search_keys import search_keys_of

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

AT_ONCE = 10_000


def upgrade() -> None:
    key = sa.String(length=100).with_variant(sa.String(length=100, collation="C"), "postgresql")
    op.create_table(
        "user_search_keys",
        sa.Column("key", key, nullable=False),
        sa.Column("user_id", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_search_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", "user_id", name=op.f("pk_user_search_keys")),
        sqlite_with_rowid=False,
    )
    for rows in _rows():
        op.get_bind().execute(INSERT, rows)
    op.create_index(op.f("ix_user_search_keys_user_id"), "user_search_keys", ["user_id"])


def downgrade() -> None:
    op.drop_table("user_search_keys")


INSERT = sa.text("INSERT INTO user_search_keys (key, user_id) VALUES (:key, :user_id)")
TEXTS = sa.text(
    "SELECT id, email, first_name, last_name, display_name FROM users WHERE id > :after ORDER BY id LIMIT :at_once"
)


def _rows() -> Iterator[list[dict[str, Any]]]:
    after = ""
    while users := op.get_bind().execute(TEXTS, {"after": after, "at_once": AT_ONCE}).all():
        rows = [{"key": key, "user_id": id_} for id_, *texts in users for key in search_keys_of(texts)]
        if rows:
            yield rows
        after = users[-1][0]
