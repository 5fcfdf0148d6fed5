"""One outbox holds alerts and refused messages, each claimed before it is sent.

A partition knows how many messages it refused lately.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

QUEUE = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "20000",
    "autovacuum_vacuum_insert_scale_factor": "0",
}
KEY = sa.Text(collation="C")
TIME = sa.DateTime(timezone=True)
COUNTERS = {
    "refused_run": "refused messages in a row before the position",
    "recent_messages": "messages of late, older ones counting half again and again",
    "recent_refused": "of those the refused ones",
    "refusals_allowed": "refusals that an operator lets through without counting them",
}
# The function runs as the owner: a worker may delete refused messages only by their age. Their
# numbers follow the time, so it looks only at the oldest.
DELETION = """
    CREATE FUNCTION voc.delete_dead_letters(before timestamptz, most integer) RETURNS integer
    LANGUAGE sql SECURITY DEFINER SET search_path = voc, pg_temp AS $$
        WITH oldest AS (
            SELECT dead_letter_id FROM voc.dead_letter ORDER BY dead_letter_id
            LIMIT most FOR UPDATE SKIP LOCKED
        ), gone AS (
            DELETE FROM voc.dead_letter
            WHERE dead_letter_id IN (SELECT dead_letter_id FROM oldest)
              AND received_at < least(before, now() - interval '1 day')
            RETURNING 1
        )
        SELECT count(*)::integer FROM gone
    $$
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "outbox",
        sa.Column(
            "number",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="order of the messages",
        ),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="alert or dead_letter: which topic it goes to",
        ),
        sa.Column("alert_id", KEY, comment="alert that started or ended"),
        sa.Column("message", sa.Text(), comment="what goes to the topic of alerts, in JSON"),
        sa.Column(
            "dead_letter_id",
            sa.BigInteger(),
            comment="refused message that goes to the topic of dead letters",
        ),
        sa.Column("claimed_at", TIME, comment="when a worker took it to send it"),
        sa.Column("claimed_by", sa.Text(), comment="the worker that took it"),
        sa.PrimaryKeyConstraint("number"),
        sa.ForeignKeyConstraint(
            ["dead_letter_id"],
            ["voc.dead_letter.dead_letter_id"],
            name="outbox_letter",
            ondelete="CASCADE",
        ),
        schema="voc",
        comment="Messages that still have to go to a topic of Kafka",
        postgresql_with=QUEUE,
    )
    op.create_index("outbox_kind", "outbox", ["kind", "number"], schema="voc")
    op.create_index(
        "outbox_dead_letter",
        "outbox",
        ["dead_letter_id"],
        schema="voc",
        postgresql_where=sa.text("dead_letter_id IS NOT NULL"),
    )
    op.create_index(
        "outbox_claimed",
        "outbox",
        ["kind"],
        schema="voc",
        postgresql_where=sa.text("claimed_at IS NOT NULL"),
    )
    op.execute(
        "INSERT INTO voc.outbox (kind, alert_id, message) SELECT 'alert', alert_id, message"
        " FROM voc.alert_outbox ORDER BY number"
    )
    op.execute(
        "INSERT INTO voc.outbox (kind, dead_letter_id)"
        " SELECT 'dead_letter', dead_letter_id FROM voc.dead_letter WHERE published_at IS NULL"
        " ORDER BY dead_letter_id"
    )
    op.drop_table("alert_outbox", schema="voc")
    op.drop_index("dead_letter_unpublished", "dead_letter", schema="voc")
    op.alter_column(
        "dead_letter",
        "payload",
        comment="the refused message, whole; NULL where it has no value or did not fit / 原始消息",
        existing_type=sa.LargeBinary(),
        schema="voc",
    )
    op.execute(DELETION)
    op.execute("REVOKE ALL ON FUNCTION voc.delete_dead_letters(timestamptz, integer) FROM PUBLIC")
    for name, comment in COUNTERS.items():
        op.add_column(
            "stream_position",
            sa.Column(name, sa.BigInteger(), nullable=False, server_default="0", comment=comment),
            schema="voc",
        )
