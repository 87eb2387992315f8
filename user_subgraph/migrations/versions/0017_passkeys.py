"""Passkeys, those that are about to be added, and challenges that say nothing of whose they are."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # First what everybody locks first who changes an account: else a login that is just ending, and this, wait for each other.
        op.execute("LOCK TABLE users IN EXCLUSIVE MODE")
    op.create_table(
        "passkeys",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("user_id", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_passkeys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    op.create_index(op.f("ix_passkeys_user_id"), "passkeys", ["user_id"])
    op.create_table(
        "passkey_enrolments",
        sa.Column("user_id", sa.String(length=30), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_passkey_enrolments_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_passkey_enrolments")),
    )
    # Nothing refers to it, so that SQLite may write it anew.
    with op.batch_alter_table("mfa_challenges") as challenges:
        challenges.alter_column("user_id", existing_type=sa.String(length=30), nullable=True)
        challenges.drop_index(op.f("ix_mfa_challenges_user_id"))
        # Those of nobody may be many: the ones that are late have to be found among them.
        challenges.create_index(op.f("ix_mfa_challenges_user_id_expires_at"), ["user_id", "expires_at"])


def downgrade() -> None:
    op.execute("DELETE FROM mfa_challenges WHERE user_id IS NULL")
    with op.batch_alter_table("mfa_challenges") as challenges:
        challenges.drop_index(op.f("ix_mfa_challenges_user_id_expires_at"))
        challenges.create_index(op.f("ix_mfa_challenges_user_id"), ["user_id"])
        challenges.alter_column("user_id", existing_type=sa.String(length=30), nullable=False)
    op.drop_table("passkey_enrolments")
    op.drop_table("passkeys")
