"""Events say what they are: whether they may be scored, and whether they are a contact.

A generated column fills itself, in one rewrite of the table that leaves no dead rows behind. Then
it becomes one that is written, because from now on the type of an event decides.
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        "DROP INDEX voc.touchpoint_event_scored; DROP INDEX voc.touchpoint_event_contact;"
        " ALTER TABLE voc.touchpoint_event"
        " ADD COLUMN is_scored boolean NOT NULL"
        "   GENERATED ALWAYS AS (type IN ('callback', 'touchpoint')) STORED,"
        " ADD COLUMN is_contact boolean NOT NULL GENERATED ALWAYS AS (coalesce("
        "   (type = 'callback' AND body ->> 'outcome' = 'completed') OR (type = 'repair_step'"
        "   AND body ->> 'stage' = 'follow_up' AND body ->> 'edge' = 'exit'), false)) STORED;"
        " ALTER TABLE voc.touchpoint_event ALTER COLUMN is_scored DROP EXPRESSION,"
        " ALTER COLUMN is_contact DROP EXPRESSION;"
        " COMMENT ON COLUMN voc.touchpoint_event.is_scored IS"
        " 'whether such an event may measure something by itself / 是否含评分';"
        " COMMENT ON COLUMN voc.touchpoint_event.is_contact IS"
        " 'whether the customer was spoken to, in the flow of then / 是否接触到客户';"
        " CREATE INDEX touchpoint_event_scored ON voc.touchpoint_event (customer_id, event_id)"
        " WHERE is_scored;"
        " CREATE INDEX touchpoint_event_contact ON voc.touchpoint_event (order_id, occurred_at)"
        " WHERE is_contact;"
        " COMMENT ON COLUMN voc.touchpoint_event.type IS"
        " 'what kind of event: its `type` / 事件类型'"
    )
