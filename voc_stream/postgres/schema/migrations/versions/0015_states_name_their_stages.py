"""The state of an order names the stage of its latest step, and says when the visit ended.

A place in the flow means another stage as soon as the catalogue puts a stage before it. The column
`current_stage` names the stage of the latest step already.
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        "UPDATE voc.repair_order SET fold_state = (fold_state::jsonb"
        " || CASE WHEN fold_state::jsonb ? 'step' THEN jsonb_build_object('step',"
        "   jsonb_set(fold_state::jsonb -> 'step', '{2}', to_jsonb(current_stage))) ELSE '{}' END"
        " || CASE WHEN fold_state::jsonb -> 'exited' ? 'delivery' THEN jsonb_build_object("
        "   'delivered', fold_state::jsonb -> 'exited' -> 'delivery') ELSE '{}' END)::json"
        " WHERE fold_state::jsonb ? 'step' OR fold_state::jsonb -> 'exited' ? 'delivery'"
    )
