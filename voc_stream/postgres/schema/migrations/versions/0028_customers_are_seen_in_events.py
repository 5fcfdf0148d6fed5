"""When a customer was seen first and last is read from the events, and no longer stored.

Nearly every event had to write its customer's row, only to move `last_seen_at`. The table is called
`customer_state` now, and `customer` is a view of it with the same columns.
"""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        "ALTER TABLE voc.customer RENAME TO customer_state;"
        " ALTER TABLE voc.customer_state RENAME CONSTRAINT customer_pkey TO customer_state_pkey;"
        " ALTER TABLE voc.customer_state DROP COLUMN first_seen_at, DROP COLUMN last_seen_at;"
        " COMMENT ON TABLE voc.customer_state IS"
        " 'The stored part of customer; read that view instead';"
        " UPDATE voc.customer_state"
        " SET fold_state = (fold_state::jsonb - 'first_seen_at' - 'last_seen_at')::json;"
        " DROP INDEX voc.touchpoint_event_customer_id;"
        " CREATE INDEX touchpoint_event_customer_id"
        " ON voc.touchpoint_event (customer_id, occurred_at)"
    )
