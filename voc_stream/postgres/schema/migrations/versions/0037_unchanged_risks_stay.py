"""A risk that is found unchanged is not written: `as_of` says since when its row says the same."""

from __future__ import annotations

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        "COMMENT ON COLUMN voc.churn_risk.as_of IS 'since when the row says this: when it was last"
        " assessed to be otherwise than before / 评估时间：自此起本行未变'"
    )
