"""What SQL needs of a state has columns: stages, the entry into the current one, the reopening."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        "ALTER TABLE voc.repair_order ADD COLUMN stages json, ADD COLUMN in_stage_since"
        " timestamptz;"
        " ALTER TABLE voc.complaint ADD COLUMN reopened_at timestamptz;"
        " COMMENT ON COLUMN voc.repair_order.stages IS"
        " 'moments of entry and exit by stage, and how long the site was open: for repair_stage';"
        " COMMENT ON COLUMN voc.repair_order.in_stage_since IS 'entry into current_stage;"
        " NULL once it was left or while unknown / 进入当前环节时间';"
        " COMMENT ON COLUMN voc.complaint.reopened_at IS 'latest reopening / 最近重开时间';"
        " UPDATE voc.complaint SET reopened_at = (fold_state ->> 'reopened_at')::timestamptz"
        " WHERE reopened > 0"
    )
    # An interval is multiplied in floating point, exactly so only in parts.
    op.execute(
        "UPDATE voc.repair_order o SET"
        " fold_state = (fold_state::jsonb - 'entered' - 'exited' - 'opened')::json,"
        " stages = jsonb_strip_nulls(jsonb_build_object('entered', fold_state -> 'entered',"
        "   'exited', fold_state -> 'exited', 'opened', fold_state -> 'opened'))::json,"
        " in_stage_since = CASE WHEN fold_state -> 'exited' -> current_stage IS NULL THEN"
        "   timestamptz 'epoch' + m.entered / 1000000 * interval '1 second'"
        "   + m.entered % 1000000 * interval '1 microsecond' END"
        " FROM (SELECT order_id, (fold_state -> 'entered' ->> current_stage)::bigint AS entered"
        "   FROM voc.repair_order) m WHERE m.order_id = o.order_id"
    )
