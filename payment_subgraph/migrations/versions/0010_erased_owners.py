"""erased owners, and events without what nobody reads of them"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_events = sa.table(
    "provider_events",
    sa.column("id", sa.String),
    sa.column("provider", sa.String),
    sa.column("payload", sa.JSON),
)
_BATCH = 500


def upgrade() -> None:
    op.create_table(
        "erased_owners",
        sa.Column("owner_id", sa.String(length=64), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("owner_id", name=op.f("pk_erased_owners")),
    )
    op.create_index("ix_erased_owners_due_at", "erased_owners", ["due_at"])
    _forget_what_nobody_reads()


def _forget_what_nobody_reads() -> None:
    """Names, addresses and cards of payers, for good: what is read of an event stays."""
    connection, last = op.get_bind(), ""
    stripes = sa.select(_events.c.id, _events.c.payload).where(_events.c.provider == "stripe")
    while rows := connection.execute(
        stripes.where(_events.c.id > last).order_by(_events.c.id).limit(_BATCH)
    ).all():
        for event_id, payload in rows:
            change = sa.update(_events).where(_events.c.id == event_id)
            connection.execute(change.values(payload=_needed(payload)))
        last = rows[-1].id


def _needed(event: dict[str, Any]) -> dict[str, Any]:
    """As `stripe_objects.py` had it at this revision."""
    data = event.get("data") or {}
    subject, before = data.get("object") or {}, data.get("previous_attributes") or {}
    metadata = _some(subject.get("metadata") or {}, "payment_id", "env", "customer_id")
    about = {**_some(subject, "id", "object", "payment_intent", "customer"), "metadata": metadata}
    kept = _some(event, "id", "type", "livemode", "created")
    return {**kept, "data": {"object": about, "previous_attributes": _some(before, "customer")}}


def _some(content: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: content[name] for name in names if name in content}


def downgrade() -> None:
    op.drop_table("erased_owners")
