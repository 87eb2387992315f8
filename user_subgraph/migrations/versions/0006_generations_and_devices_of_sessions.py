"""Generations of refresh tokens, and whence and with what a session was last used.

Columns are added and dropped one by one: `op.batch_alter_table` would make a new table of `sessions` on SQLite, and with
the old one all refresh tokens would go (ON DELETE CASCADE).
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Used tokens were used one after the other, so each is a generation of its own; those that are still good are the newest.
NUMBER_TOKENS = """
UPDATE refresh_tokens SET generation = numbered.generation FROM (
    SELECT token_hash, CASE
        WHEN used_at IS NULL THEN 1 + count(used_at) OVER (PARTITION BY session_id)
        ELSE row_number() OVER (PARTITION BY session_id ORDER BY used_at IS NULL, used_at, token_hash)
    END AS generation
    FROM refresh_tokens
) AS numbered WHERE numbered.token_hash = refresh_tokens.token_hash
"""
NUMBER_SESSIONS = """
UPDATE sessions SET generation = newest.generation FROM (
    SELECT session_id, max(generation) AS generation FROM refresh_tokens GROUP BY session_id
) AS newest WHERE newest.session_id = sessions.id
"""
# When its successor came. What was brought twice within seconds is not known any more.
USE_TOKENS = """
UPDATE refresh_tokens SET used_at = (
    SELECT min(successor.created_at) FROM refresh_tokens AS successor
    WHERE successor.session_id = refresh_tokens.session_id AND successor.generation = refresh_tokens.generation + 1
)
"""


def upgrade() -> None:
    op.add_column(
        "sessions", sa.Column("generation", sa.Integer(), server_default=sa.text("1"), nullable=False)
    )
    op.add_column("sessions", sa.Column("ip_address", sa.String(length=45), nullable=True))
    op.add_column("sessions", sa.Column("user_agent", sa.String(length=256), nullable=True))
    op.add_column(
        "refresh_tokens", sa.Column("generation", sa.Integer(), server_default=sa.text("1"), nullable=False)
    )
    op.execute(NUMBER_TOKENS)
    op.execute(NUMBER_SESSIONS)
    op.drop_column("refresh_tokens", "used_at")
    op.drop_index(op.f("ix_refresh_tokens_session_id"), "refresh_tokens")
    op.create_index(
        op.f("ix_refresh_tokens_session_id_generation"), "refresh_tokens", ["session_id", "generation"]
    )


def downgrade() -> None:
    op.add_column("refresh_tokens", sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(USE_TOKENS)
    op.drop_index(op.f("ix_refresh_tokens_session_id_generation"), "refresh_tokens")
    op.create_index(op.f("ix_refresh_tokens_session_id"), "refresh_tokens", ["session_id"])
    op.drop_column("refresh_tokens", "generation")
    for column in ("user_agent", "ip_address", "generation"):
        op.drop_column("sessions", column)
