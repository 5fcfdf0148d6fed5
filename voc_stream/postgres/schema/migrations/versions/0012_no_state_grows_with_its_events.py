"""The state of a complaint or an order keeps two of its moments.

All moments stand among the events, where indexes find them. What the risk of a customer depends on
is also found by index, however many orders and complaints there are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COMPLAINT_ID = "normalize(body ->> 'complaint_id', NFC)"
IS_CONTACT = (
    "((type = 'callback' AND body ->> 'outcome' = 'completed')"
    " OR (type = 'repair_step' AND body ->> 'stage' = 'follow_up' AND body ->> 'edge' = 'exit'))"
)


def upgrade() -> None:
    """Apply."""
    op.execute(
        "UPDATE voc.complaint SET fold_state = jsonb_set(fold_state::jsonb, '{times}',"
        " (SELECT jsonb_object_agg(key,"
        " jsonb_build_array(value -> 0, value -> -1, true))"
        " FROM jsonb_each(fold_state::jsonb -> 'times')))::json"
        " WHERE fold_state::jsonb -> 'times' <> '{}'"
    )
    op.execute(
        "UPDATE voc.repair_order SET fold_state = (fold_state::jsonb - 'contacts' ||"
        " jsonb_build_object('contact',"
        " jsonb_build_array(fold_state::jsonb -> 'contacts' -> 0,"
        " fold_state::jsonb -> 'contacts' -> -1, true)))::json"
        " WHERE fold_state::jsonb -> 'contacts' <> '[]'"
    )
    # The next one begins with the same.
    op.drop_index("touchpoint_event_complaint_id", "touchpoint_event", schema="voc")
    op.create_index(
        "touchpoint_event_complaint_step",
        "touchpoint_event",
        [sa.text(f"({COMPLAINT_ID})"), sa.text("(body ->> 'action')"), "occurred_at"],
        schema="voc",
        postgresql_where=sa.text("type = 'complaint'"),
    )
    op.create_index(
        "touchpoint_event_contact",
        "touchpoint_event",
        ["order_id", "occurred_at"],
        schema="voc",
        postgresql_where=sa.text(IS_CONTACT),
    )
    op.create_index(
        "repair_order_late",
        "repair_order",
        ["customer_id", "delivered_at"],
        schema="voc",
        postgresql_where=sa.text("on_time = false"),
    )
    op.create_index(
        "repair_order_remembered",
        "repair_order",
        ["customer_id", "last_moment_at", "order_id"],
        schema="voc",
        postgresql_where=sa.text("last_moment_at IS NOT NULL"),
    )
    op.create_index(
        "complaint_open",
        "complaint",
        ["customer_id", "severity", "opened_at"],
        schema="voc",
        postgresql_where=sa.text("state IN ('opened', 'acknowledged', 'apologised', 'reopened')"),
    )
    op.create_index(
        "complaint_resolved",
        "complaint",
        ["customer_id", "resolved_at", "complaint_id"],
        schema="voc",
        postgresql_where=sa.text(
            "state IN ('resolved', 'informed', 'closed') AND resolved_at IS NOT NULL"
        ),
    )
