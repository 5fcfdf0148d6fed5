"""Events can be taken back.

There are retractions, the ids that they name, and a way to the events of an order or a complaint.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.Text(collation="C")
TIME = sa.DateTime(timezone=True)
QUEUE = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "20000",
    "autovacuum_vacuum_insert_scale_factor": "0",
}
FACTS = (
    "One row per accepted event that is not taken back: the facts from which every other table can"
    " be recomputed / 事件明细"
)
NAMED = "event that counts nowhere, whether it came or not / 被撤回的事件编号"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "retraction",
        sa.Column(
            "event_id",
            KEY,
            nullable=False,
            comment="its own id, unique among retractions for ever / 撤回编号",
        ),
        sa.Column(
            "occurred_at",
            TIME,
            nullable=False,
            comment="when the events were taken back / 撤回时间",
        ),
        sa.Column(
            "ingested_at",
            TIME,
            nullable=False,
            server_default=sa.func.now(),
            comment="when it was written here / 入库时间",
        ),
        sa.Column(
            "reason", sa.Text, nullable=False, comment="why, for people; names no person / 撤回原因"
        ),
        sa.Column(
            "body",
            JSONB,
            nullable=False,
            comment="the whole message as it came, with the ids that it names / 原始内容",
        ),
        sa.Column("topic", KEY, nullable=False, comment="topic it was read from"),
        sa.Column("partition", sa.Integer, nullable=False, comment="partition it was read from"),
        sa.Column("offset", sa.BigInteger, nullable=False, comment="offset in that partition"),
        sa.PrimaryKeyConstraint("event_id"),
        schema="voc",
        comment="One row per accepted retraction / 撤回",
    )
    op.create_table(
        "retracted_event",
        sa.Column("event_id", KEY, nullable=False, comment=NAMED),
        sa.Column(
            "retraction_id",
            KEY,
            nullable=False,
            comment="of the retractions that name it the earliest / 撤回编号",
        ),
        sa.Column(
            "retracted_at", TIME, nullable=False, comment="when that one occurred / 撤回时间"
        ),
        sa.PrimaryKeyConstraint("event_id"),
        schema="voc",
        comment="One row per event id that was taken back; kept for ever,"
        " so that no repetition brings the event back / 已撤回事件",
    )
    op.create_table(
        "retraction_pending",
        sa.Column(
            "number",
            sa.BigInteger,
            sa.Identity(),
            nullable=False,
            comment="in the order of arrival",
        ),
        sa.Column(
            "event_ids", ARRAY(KEY), nullable=False, comment="events that one retraction named"
        ),
        schema="voc",
        comment="Events that are still to be taken out of the tables; emptied by the upkeep",
        postgresql_with=QUEUE,
    )
    op.create_index(
        "touchpoint_event_order_id",
        "touchpoint_event",
        ["order_id"],
        schema="voc",
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index(
        "touchpoint_event_complaint_id",
        "touchpoint_event",
        [sa.text("normalize(body ->> 'complaint_id', NFC)")],
        schema="voc",
        postgresql_where=sa.text("type = 'complaint'"),
    )
    op.alter_column(
        "lock",
        "name",
        comment="histories, sites, details, assessment, evaluation, outbox or retractions",
        schema="voc",
    )
    op.create_table_comment("touchpoint_event", FACTS, schema="voc")
