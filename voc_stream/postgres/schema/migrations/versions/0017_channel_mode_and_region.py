"""The dimensions channel and mode; region in the daily cube.

What is stored says nothing of them: it stays under '' until `voc-stream rebuild` counts it anew.
"""

from __future__ import annotations

from alembic import op

from voc_stream.postgres.schema.migrations.add_dimension import add_to_cube, add_to_queues

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

NEW = {
    "channel": "channel, '' where unknown",
    "mode": "mode of a callback, '' where unknown",
}
KEY = (
    "day",
    "experience",
    "site_id",
    "department",
    "employee_id",
    "product",
    "channel",
    "mode",
    "segment",
    "region",
)


def upgrade() -> None:
    """Apply."""
    add_to_queues(NEW)
    add_to_cube({**NEW, "region": "region, '' where unknown"}, KEY)
    for table in ("pane", "rolling_sum"):
        op.alter_column(
            table, "scope_type", comment="all, or the name of a dimension", schema="voc"
        )
    # An order keeps all dimensions of its customer, however many there are.
    op.execute(
        "UPDATE voc.repair_order SET fold_state = (fold_state::jsonb - 'segment' - 'region'"
        " || jsonb_build_object('profile', jsonb_build_array(coalesce(fold_state ->> 'segment',"
        " ''),"
        " coalesce(fold_state ->> 'region', ''))))::json"
        " WHERE fold_state ->> 'segment' <> '' OR fold_state ->> 'region' <> ''"
    )
